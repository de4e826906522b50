-- One row per item and day of the coming weeks, for the items that sell most.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.demand_forecast (
    as_of_date date not null,
    item_id text collate "C" not null,
    forecast_date date not null,
    mean real not null,
    q10 real not null,
    q50 real not null,
    q90 real not null,
    total_mean real not null,
    total_q10 real not null,
    total_q50 real not null,
    total_q90 real not null,
    published_demand real not null,
    model text not null,
    model_version text not null,
    primary key (as_of_date, item_id, forecast_date)
) partition by list (as_of_date);

comment on table recsys.demand_forecast is
'One row per item and day of the coming weeks, for the items that sell most.';
comment on column recsys.demand_forecast.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.demand_forecast.item_id is 'The item.';
comment on column recsys.demand_forecast.forecast_date is 'Day that is forecast; the first is the as-of date itself.';
comment on column recsys.demand_forecast.mean is 'Units expected.';
comment on column recsys.demand_forecast.q10 is 'Units that demand exceeds on nine days in ten.';
comment on column recsys.demand_forecast.q50 is 'Units that demand exceeds on every second day.';
comment on column recsys.demand_forecast.q90 is 'Units that demand exceeds on one day in ten.';
comment on column recsys.demand_forecast.total_mean is 'Units expected from the first day up to this one.';
comment on column recsys.demand_forecast.total_q10 is 'Quantile 0.1 of that total.';
comment on column recsys.demand_forecast.total_q50 is 'Quantile 0.5 of that total.';
comment on column recsys.demand_forecast.total_q90 is 'Quantile 0.9 of that total.';
comment on column recsys.demand_forecast.published_demand is
'Units beyond these that bundles shown and users contacted may bring.';
comment on column recsys.demand_forecast.model is 'Model that forecast the item.';
comment on column recsys.demand_forecast.model_version is 'Hash that names the settings behind the row.';
