-- One row per bundle and member.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.bundle_items (
    as_of_date date not null,
    bundle_id text collate "C" not null,
    item_id text collate "C" not null,
    position integer not null,
    list_price double precision,
    days_of_cover real,
    primary key (as_of_date, bundle_id, item_id),
    unique (item_id, bundle_id, as_of_date)
) partition by list (as_of_date);

comment on table recsys.bundle_items is 'One row per bundle and member.';
comment on column recsys.bundle_items.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.bundle_items.bundle_id is 'The bundle.';
comment on column recsys.bundle_items.item_id is 'A member.';
comment on column recsys.bundle_items.position is 'Order in which the members joined, from 1; 1 is the anchor.';
comment on column recsys.bundle_items.list_price is 'List price of the member.';
comment on column recsys.bundle_items.days_of_cover is 'Stock in days of recent sales; null where unknown or unsold.';
