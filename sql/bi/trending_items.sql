-- One row per segment and rank: an item that many users take lately, and more than was to be expected.
-- Every published day; what ids stand for is looked up.
create or replace view bi.trending_items as
select
    r.as_of_date,
    r.segment,
    r.rank,
    r.item_id,
    r.score,
    r.users,
    r.observed,
    r.expected,
    r.above,
    r.category_above,
    r.reason_code,
    r.reason_text,
    r.model_version,
    i.title as item_title,
    i.category_path as item_category
from recsys.trending_items as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id;

comment on column bi.trending_items.item_title is 'Name of the item; null where the shop has none.';
comment on column bi.trending_items.item_category is 'Categories of the item, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_trending_items as
select r.*
from bi.trending_items as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
