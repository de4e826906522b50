-- Offending rows among the staged audiences, none if all is well: what is wrong, and where.
with audiences as (
    select
        item_id,
        count(*) as users,
        max(rank) as last_rank,
        count(distinct rank) as ranks
    from new_item_audiences
    group by item_id
),

ordered as (
    select
        item_id,
        user_id,
        score,
        lag(score) over (partition by item_id order by rank) as before
    from new_item_audiences
)

select
    'ranks do not run from 1 without gaps' as problem,
    item_id as place
from audiences
where last_rank <> users or ranks <> users

union all

select
    'score rises with the rank' as problem,
    concat_ws(' / ', item_id, user_id) as place
from ordered
where score > before

union all

select
    'launched after the day, or an empty reason' as problem,
    concat_ws(' / ', item_id, user_id) as place
from new_item_audiences
where launched_on > as_of_date or reason_code = '' or btrim(reason_text) = ''
