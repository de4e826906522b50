-- One row per bundle and member.
-- Every published day; what ids stand for is looked up.
create or replace view bi.bundle_items as
select
    r.as_of_date,
    r.bundle_id,
    r.item_id,
    r.position,
    r.list_price,
    r.days_of_cover,
    i.title as item_title,
    i.category_path as item_category
from recsys.bundle_items as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id;

comment on column bi.bundle_items.item_title is 'Name of the member; null where the shop has none.';
comment on column bi.bundle_items.item_category is 'Categories of the member, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_bundle_items as
select r.*
from bi.bundle_items as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
