-- One row per anchor item and similar item that stands in one of three orders.
-- Every published day; what ids stand for is looked up.
create or replace view bi.similar_items as
select
    r.as_of_date,
    r.item_id,
    r.other_item_id,
    r.rank,
    r.behaviour_rank,
    r.content_rank,
    r.score,
    r.behaviour,
    r.likeness,
    r.is_variant,
    r.reason_code,
    r.reason_text,
    r.model_version,
    i.title as item_title,
    i.category_path as item_category,
    o.title as other_title,
    o.category_path as other_category
from recsys.similar_items as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id
left join recsys.item_details as o
    on r.as_of_date = o.as_of_date and r.other_item_id = o.item_id;

comment on column bi.similar_items.item_title is 'Name of the anchor; null where the shop has none.';
comment on column bi.similar_items.item_category is 'Categories of the anchor, from wide to narrow.';
comment on column bi.similar_items.other_title is 'Name of the similar item.';
comment on column bi.similar_items.other_category is 'Categories of the similar item, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_similar_items as
select r.*
from bi.similar_items as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
