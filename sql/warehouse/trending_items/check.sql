-- Offending rows among the staged trends, none if all is well: what is wrong, and where.
with segments as (
    select
        segment,
        count(*) as places,
        min(rank) as first_rank,
        max(rank) as last_rank,
        count(distinct item_id) as items
    from trending_items
    group by segment
)

select
    'ranks do not run from 1 without gaps' as problem,
    segment as place
from segments
where first_rank <> 1 or last_rank <> places

union all

select
    'an item stands twice in a segment' as problem,
    segment as place
from segments
where items <> places

union all

select
    'a number is negative or not finite' as problem,
    concat_ws(' / ', segment, 'rank ' || rank) as place
from trending_items
where
    not (
        score between 0 and 1e12
        and observed between 0 and 1e12
        and expected between 0 and 1e12
        and above between 0 and 1e12
        and category_above between 0 and 1e12
    )

union all

select
    'empty reason' as problem,
    concat_ws(' / ', segment, 'rank ' || rank) as place
from trending_items
where reason_code = '' or btrim(reason_text) = ''
