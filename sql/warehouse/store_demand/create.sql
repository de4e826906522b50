-- One row per item and store that lately sold it: the store's part of the demand to expect.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.store_demand (
    as_of_date date not null,
    item_id text collate "C" not null,
    store_id text collate "C" not null,
    share double precision not null,
    daily_demand real not null,
    horizon_demand real not null,
    horizon_q10 real not null,
    horizon_q50 real not null,
    horizon_q90 real not null,
    model_version text not null,
    primary key (as_of_date, item_id, store_id)
) partition by list (as_of_date);

comment on table recsys.store_demand is
'One row per item and store that lately sold it: the store''s part of the demand to expect.';
comment on column recsys.store_demand.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.store_demand.item_id is 'The item.';
comment on column recsys.store_demand.store_id is 'The store or channel.';
comment on column recsys.store_demand.share is
'Share of the item''s demand; times a day''s mean in demand_forecast: that day''s units.';
comment on column recsys.store_demand.daily_demand is 'Units a day expected over the horizon.';
comment on column recsys.store_demand.horizon_demand is 'Units expected over the whole horizon.';
comment on column recsys.store_demand.horizon_q10 is 'Quantile 0.1 of that demand.';
comment on column recsys.store_demand.horizon_q50 is 'Quantile 0.5 of that demand.';
comment on column recsys.store_demand.horizon_q90 is 'Quantile 0.9 of that demand.';
comment on column recsys.store_demand.model_version is 'Hash that names the settings behind the row.';
