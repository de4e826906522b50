-- Offending rows among the staged bundles, none if all is well: what is wrong, and where.
with members as (
    select
        bundle_id,
        count(*) as items
    from bundle_items
    group by bundle_id
)

select
    'a bundle does not have as many members as it says' as problem,
    b.bundle_id as place
from bundles as b
left join members as m on b.bundle_id = m.bundle_id
where m.items is distinct from b.size

union all

select
    'score is not a finite number' as problem,
    b.bundle_id as place
from bundles as b
where b.score in ('NaN', 'Infinity', '-Infinity')

union all

select
    'a price below both unit costs and list price, or above the list price' as problem,
    b.bundle_id as place
from bundles as b
-- What sells below its cost has no room for a discount and keeps its list price.
where
    b.suggested_price < least(b.unit_cost, b.list_price) - 1e-9
    or b.suggested_price > b.list_price + 0.005

union all

select
    'ranks do not run from 1 without gaps' as problem,
    'the whole table' as place
from bundles as b
having count(*) > 0 and (count(distinct b.rank) <> count(*) or max(b.rank) <> count(*))

union all

select
    'empty name or reason' as problem,
    b.bundle_id as place
from bundles as b
where btrim(b.name) = '' or b.reason_code = '' or btrim(b.reason_text) = ''
