-- One row per user and rank: a bundle worth showing to the user.
-- Every published day; what ids stand for is looked up.
create or replace view bi.user_bundles as
select
    r.as_of_date,
    r.user_id,
    r.rank,
    r.bundle_id,
    r.score,
    r.new_items,
    r.anchor_item_id,
    r.reason_code,
    r.reason_text,
    r.model_version,
    b.name as bundle_name,
    b.size as bundle_size,
    b.suggested_price as bundle_price,
    a.title as anchor_title
from recsys.user_bundles as r
left join recsys.bundles as b on r.as_of_date = b.as_of_date and r.bundle_id = b.bundle_id
left join recsys.item_details as a
    on r.as_of_date = a.as_of_date and r.anchor_item_id = a.item_id;

comment on column bi.user_bundles.bundle_name is 'Name of the bundle.';
comment on column bi.user_bundles.bundle_size is 'Members of the bundle.';
comment on column bi.user_bundles.bundle_price is 'Price suggested for the bundle; null where a cost is unknown.';
comment on column bi.user_bundles.anchor_title is 'Name of the member that speaks most for it.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_user_bundles as
select r.*
from bi.user_bundles as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
