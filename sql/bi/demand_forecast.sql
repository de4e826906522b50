-- One row per item and day of the coming weeks, for the items that sell most.
-- Every published day; what ids stand for is looked up.
create or replace view bi.demand_forecast as
select
    r.as_of_date,
    r.item_id,
    r.forecast_date,
    r.mean,
    r.q10,
    r.q50,
    r.q90,
    r.total_mean,
    r.total_q10,
    r.total_q50,
    r.total_q90,
    r.published_demand,
    r.model,
    r.model_version,
    i.title,
    i.category_path
from recsys.demand_forecast as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id;

comment on column bi.demand_forecast.title is 'Name of the item.';
comment on column bi.demand_forecast.category_path is 'Categories of the item, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_demand_forecast as
select r.*
from bi.demand_forecast as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
