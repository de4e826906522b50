-- Keys and indexes of the demo shop, built after the load.

alter table shop.events add primary key (event_id);
alter table shop.items add primary key (item_id, valid_from);
alter table shop.users add primary key (user_id, valid_from);
alter table shop.stock add primary key (snapshot_date, item_id);
alter table shop.campaigns add primary key (campaign_id);
alter table shop.campaign_items add primary key (campaign_id, item_id, coupon_id);
alter table shop.campaign_contacts add primary key (campaign_id, user_id);
create index events_occurred_at on shop.events (occurred_at);
create index events_ingested_at on shop.events (ingested_at);
