-- One row per item with a stock count: what to order today, and why.
-- Every published day; what ids stand for is looked up.
create or replace view bi.reorder_suggestions as
select
    r.as_of_date,
    r.item_id,
    r.reason_code,
    r.reason_text,
    r.suggested_quantity,
    r.suggested_cost,
    r.priority,
    r.on_hand,
    r.on_order,
    r.counted_on,
    r.lead_time_days,
    r.min_order_quantity,
    r.abc_class,
    r.demand_class,
    r.service_level,
    r.service_source,
    r.daily_demand,
    r.lead_time_demand,
    r.lead_time_q50,
    r.lead_time_q90,
    r.horizon_demand,
    r.horizon_q10,
    r.horizon_q50,
    r.horizon_q90,
    r.published_demand,
    r.reorder_point,
    r.order_up_to,
    r.days_of_cover,
    r.stock_out_date,
    r.overstock,
    r.overstock_units,
    r.model_version,
    i.title,
    i.category_path
from recsys.reorder_suggestions as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id;

comment on column bi.reorder_suggestions.title is 'Name of the item.';
comment on column bi.reorder_suggestions.category_path is 'Categories of the item, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_reorder_suggestions as
select r.*
from bi.reorder_suggestions as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
