-- One row per bundle and member.
-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_bundle_items as
select
    r.as_of_date,
    r.bundle_id,
    r.item_id,
    r.position,
    r.list_price,
    r.days_of_cover
from recsys.bundle_items as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);

-- Every published day.
create or replace view bi.bundle_items as
select
    r.as_of_date,
    r.bundle_id,
    r.item_id,
    r.position,
    r.list_price,
    r.days_of_cover
from recsys.bundle_items as r;
