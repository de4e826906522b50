-- Offending rows among the staged lists, none if all is well: what is wrong, and where.
-- That an item stands once in a list is a unique key, held when the rows were loaded.
with neighbours as (
    select
        list,
        user_id,
        rank,
        score,
        row_number() over own_list as place,
        lag(score) over own_list as score_above
    from user_recommendations
    window own_list as (partition by user_id, list order by rank)
),

judged as (
    select
        list,
        user_id,
        rank,
        case
            when list not in ('for_you', 'discover', 'buy_again', 'new_arrivals') then 'unknown list'
            when score in ('NaN', 'Infinity', '-Infinity') then 'score is not a finite number'
            when user_id = '' or item_id = '' or generator = '' then 'empty user, item or generator'
            when reason_code = '' or btrim(reason_text) = '' then 'empty reason'
            when reason_code = 'bought_before' and purchases is null then 'a repeat without its purchases'
            when reason_code like 'because%' and anchor_item_id is null then 'a reason without the item that it names'
            when probability = 'NaN' or probability < 0 or probability > 1 then 'probability is not between 0 and 1'
            when propensity = 'NaN' or propensity <= 0 or propensity > 1 then 'propensity is not a chance'
            when list <> 'buy_again' and coalesce(probability::text, due_date::text, overdue::text) is not null
                then 'a repeat purchase told outside buy_again'
            when fallback not in ('segment', 'trending') then 'unknown fallback'
        end as problem
    from user_recommendations
)

select
    'no list at all' as problem,
    'the whole table' as place
where not exists (select from user_recommendations)

union all

select
    problem,
    concat_ws(' / ', list, user_id, 'rank ' || rank) as place
from judged
where problem is not null

union all

select
    case when rank = place then 'score rises with rank' else 'ranks do not run from 1 without gaps' end as problem,
    concat_ws(' / ', list, user_id, case when rank = place then 'rank ' || rank end) as place
from neighbours
where rank <> place or score > score_above
