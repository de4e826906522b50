-- Offending rows among the staged members, none if all is well: what is wrong, and where.
with sets as (
    select
        bundle_id,
        count(*) as places,
        count(distinct position) as positions,
        max(position) as last_position
    from bundle_items
    group by bundle_id
)

select
    'positions do not run from 1 without gaps' as problem,
    bundle_id as place
from sets
where positions <> places or last_position <> places

union all

select
    'a member of a bundle that is not there' as problem,
    bi.bundle_id as place
from bundle_items as bi
where not exists (select from bundles as b where b.bundle_id = bi.bundle_id)
