-- One row per new item and user who is most likely to want it.
-- Every published day; what ids stand for is looked up.
create or replace view bi.new_item_audiences as
select
    r.as_of_date,
    r.item_id,
    r.user_id,
    r.rank,
    r.score,
    r.holdout,
    r.launched_on,
    r.reason_code,
    r.reason_text,
    r.model_version,
    i.title as item_title,
    i.category_path as item_category
from recsys.new_item_audiences as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id;

comment on column bi.new_item_audiences.item_title is 'Name of the item; null where the shop has none.';
comment on column bi.new_item_audiences.item_category is 'Categories of the item, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_new_item_audiences as
select r.*
from bi.new_item_audiences as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
