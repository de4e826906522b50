-- Offending rows among the staged lists, none if all is well: what is wrong, and where.
with lists as (
    select
        list,
        user_id,
        count(*) as places,
        count(distinct item_id) as items,
        min(rank) as first_rank,
        max(rank) as last_rank
    from user_recommendations
    group by list, user_id
),

neighbours as (
    select
        list,
        user_id,
        rank,
        score,
        lag(score) over (partition by list, user_id order by rank) as score_above
    from user_recommendations
)

select
    'no list at all' as problem,
    'the whole table' as place
where not exists (select from user_recommendations)

union all

select
    'ranks do not run from 1 without gaps' as problem,
    concat_ws(' / ', list, user_id) as place
from lists
where first_rank <> 1 or last_rank <> places

union all

select
    'an item stands twice in one list' as problem,
    concat_ws(' / ', list, user_id) as place
from lists
where items <> places

union all

select
    'score rises with rank' as problem,
    concat_ws(' / ', list, user_id, 'rank ' || rank) as place
from neighbours
where score > score_above

union all

select
    'score is not a finite number' as problem,
    concat_ws(' / ', list, user_id, 'rank ' || rank) as place
from user_recommendations
where score in ('NaN', 'Infinity', '-Infinity')

union all

select
    'unknown list' as problem,
    concat_ws(' / ', list, user_id, 'rank ' || rank) as place
from user_recommendations
where list not in ('for_you', 'discover', 'buy_again')

union all

select
    'empty user, item, generator or reason' as problem,
    concat_ws(' / ', list, user_id, 'rank ' || rank) as place
from user_recommendations
where user_id = '' or item_id = '' or generator = '' or reason_code = '' or btrim(reason_text) = ''

union all

select
    'unknown fallback' as problem,
    concat_ws(' / ', list, user_id, 'rank ' || rank) as place
from user_recommendations
where fallback not in ('segment', 'trending')
