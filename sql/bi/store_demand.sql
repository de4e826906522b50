-- One row per item and store that lately sold it: the store's part of the demand to expect.
-- Every published day; what ids stand for is looked up.
create or replace view bi.store_demand as
select
    r.as_of_date,
    r.item_id,
    r.store_id,
    r.share,
    r.daily_demand,
    r.horizon_demand,
    r.horizon_q10,
    r.horizon_q50,
    r.horizon_q90,
    r.model_version,
    i.title,
    i.category_path
from recsys.store_demand as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id;

comment on column bi.store_demand.title is 'Name of the item.';
comment on column bi.store_demand.category_path is 'Categories of the item, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_store_demand as
select r.*
from bi.store_demand as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
