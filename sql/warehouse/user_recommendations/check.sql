-- Offending rows among the staged lists, none if all is well: what is wrong, and where.
-- One pass in key order. That an item stands once in a list is a unique key, held when the rows were loaded.
with ordered as (
    select
        *,
        lag(rank) over in_list as rank_above,
        lag(score) over in_list as score_above
    from user_recommendations
    window in_list as (partition by list, user_id order by rank)
),

judged as (
    select
        list,
        user_id,
        rank,
        case
            when list not in ('for_you', 'discover', 'buy_again') then 'unknown list'
            when rank <> coalesce(rank_above, 0) + 1 then 'ranks do not run from 1 without gaps'
            when score in ('NaN', 'Infinity', '-Infinity') then 'score is not a finite number'
            when score > score_above then 'score rises with rank'
            when user_id = '' or item_id = '' or generator = '' then 'empty user, item or generator'
            when reason_code = '' or btrim(reason_text) = '' then 'empty reason'
            when fallback not in ('segment', 'trending') then 'unknown fallback'
        end as problem
    from ordered
)

select
    problem,
    concat_ws(' / ', list, user_id, 'rank ' || rank) as place
from judged
where problem is not null

union all

select
    'no list at all' as problem,
    'the whole table' as place
where not exists (select from user_recommendations)
