-- Offending rows among the staged histories, none if all is well: what is wrong, and where.
with histories as (
    select
        user_id,
        count(*) as places,
        count(distinct item_id) as items,
        max(rank) as last_rank
    from user_history
    group by user_id
)

select
    'ranks do not run from 1 without gaps' as problem,
    user_id as place
from histories
where last_rank <> places

union all

select
    'an item stands twice in one history' as problem,
    user_id as place
from histories
where items <> places

union all

select
    'an event on or after the as-of date' as problem,
    concat_ws(' / ', user_id, item_id) as place
from user_history
where last_on >= as_of_date
