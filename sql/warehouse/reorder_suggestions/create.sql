-- One row per item with a stock count: what to order today, and why.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.reorder_suggestions (
    as_of_date date not null,
    item_id text collate "C" not null,
    reason_code text not null,
    reason_text text not null,
    suggested_quantity double precision not null,
    suggested_cost double precision,
    priority integer,
    on_hand double precision not null,
    on_order double precision not null,
    counted_on date not null,
    lead_time_days real not null,
    min_order_quantity double precision not null,
    abc_class text not null,
    demand_class text not null,
    service_level real not null,
    service_source text not null,
    daily_demand real not null,
    lead_time_demand real not null,
    lead_time_q50 real not null,
    lead_time_q90 real not null,
    horizon_demand real not null,
    horizon_q10 real not null,
    horizon_q50 real not null,
    horizon_q90 real not null,
    published_demand real not null,
    reorder_point double precision not null,
    order_up_to double precision not null,
    days_of_cover real,
    stock_out_date date,
    overstock boolean not null,
    overstock_units double precision not null,
    model_version text not null,
    primary key (as_of_date, item_id)
) partition by list (as_of_date);

comment on table recsys.reorder_suggestions is 'One row per item with a stock count: what to order today, and why.';
comment on column recsys.reorder_suggestions.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.reorder_suggestions.item_id is 'The item.';
comment on column recsys.reorder_suggestions.reason_code is
'retired, no_demand, out_of_stock, reorder, on_the_way, not_due, overstock or enough.';
comment on column recsys.reorder_suggestions.reason_text is 'The reason as a sentence for people.';
comment on column recsys.reorder_suggestions.suggested_quantity is
'Units to order; a multiple of the minimum order quantity, or 0.';
comment on column recsys.reorder_suggestions.suggested_cost is 'What they cost; null where the cost is unknown.';
comment on column recsys.reorder_suggestions.priority is
'Place among the suggested orders by margin at risk, from 1; else null.';
comment on column recsys.reorder_suggestions.on_hand is 'Units that can be sold.';
comment on column recsys.reorder_suggestions.on_order is 'Units on their way.';
comment on column recsys.reorder_suggestions.counted_on is 'Day at whose end the units were counted.';
comment on column recsys.reorder_suggestions.lead_time_days is
'Days from order to arrival; the setting''s where the shop does not know.';
comment on column recsys.reorder_suggestions.min_order_quantity is 'Smallest quantity that can be ordered.';
comment on column recsys.reorder_suggestions.abc_class is 'A, B or C by the margin of the last four weeks.';
comment on column recsys.reorder_suggestions.demand_class is
'smooth, erratic, intermittent, lumpy, young or sparse; none: not sold.';
comment on column recsys.reorder_suggestions.service_level is 'Share of cycles that should pass without a stock-out.';
comment on column recsys.reorder_suggestions.service_source is
'class, or newsvendor where price and cost tell what pays best.';
comment on column recsys.reorder_suggestions.daily_demand is 'Units a day expected over the horizon.';
comment on column recsys.reorder_suggestions.lead_time_demand is 'Units expected until an order of today arrives.';
comment on column recsys.reorder_suggestions.lead_time_q50 is 'Quantile 0.5 of that demand.';
comment on column recsys.reorder_suggestions.lead_time_q90 is 'Quantile 0.9 of that demand.';
comment on column recsys.reorder_suggestions.horizon_demand is 'Units expected over the whole horizon.';
comment on column recsys.reorder_suggestions.horizon_q10 is 'Quantile 0.1 of that demand.';
comment on column recsys.reorder_suggestions.horizon_q50 is 'Quantile 0.5 of that demand.';
comment on column recsys.reorder_suggestions.horizon_q90 is 'Quantile 0.9 of that demand.';
comment on column recsys.reorder_suggestions.published_demand is
'Units beyond that which our bundles and campaigns may bring until the next order.';
comment on column recsys.reorder_suggestions.reorder_point is
'An order is due when stock and units on their way fall to this.';
comment on column recsys.reorder_suggestions.order_up_to is 'What an order fills stock and units on their way up to.';
comment on column recsys.reorder_suggestions.days_of_cover is
'Days that the stock lasts at the expected demand; null without demand.';
comment on column recsys.reorder_suggestions.stock_out_date is
'Day on which the stock is expected to be gone; null: not foreseen.';
comment on column recsys.reorder_suggestions.overstock is
'Whether the stock exceeds what sells in the longest cover that is sensible.';
comment on column recsys.reorder_suggestions.overstock_units is 'Units above that.';
comment on column recsys.reorder_suggestions.model_version is 'Hash that names the settings behind the row.';
