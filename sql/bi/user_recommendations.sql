-- One row per user, list and rank.
-- Every published day; what ids stand for is looked up.
create or replace view bi.user_recommendations as
select
    r.as_of_date,
    r.list,
    r.user_id,
    r.rank,
    r.item_id,
    r.score,
    r.generator,
    r.anchor_item_id,
    r.purchases,
    r.last_purchase_days,
    r.usual_gap_days,
    r.fallback,
    r.reason_code,
    r.reason_text,
    r.top_features,
    r.probability,
    r.due_date,
    r.overdue,
    r.propensity,
    r.model_version,
    i.title as item_title,
    i.category_path as item_category,
    a.title as anchor_title
from recsys.user_recommendations as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id
left join recsys.item_details as a
    on r.as_of_date = a.as_of_date and r.anchor_item_id = a.item_id;

comment on column bi.user_recommendations.item_title is 'Name of the item; null where the shop has none.';
comment on column bi.user_recommendations.item_category is 'Categories of the item, from wide to narrow.';
comment on column bi.user_recommendations.anchor_title is 'Name of the item that the reason names.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_user_recommendations as
select r.*
from bi.user_recommendations as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
