-- One row per anchor item and partner item, in the direction anchor -> partner.
-- Every published day; what ids stand for is looked up.
create or replace view bi.item_pairs as
select
    r.as_of_date,
    r.item_id,
    r.other_item_id,
    r.relation,
    r.evidence,
    r.rank,
    r.rank_distinct,
    r.score,
    r.baskets,
    r.users,
    r.confidence,
    r.lift,
    r.expected_baskets,
    r.expected_users,
    r.p_value,
    r.q_value,
    r.significant,
    r.first_seen,
    r.last_seen,
    r.trend,
    r.price,
    r.other_price,
    r.reason_code,
    r.reason_text,
    r.model_version,
    i.title as item_title,
    i.category_path as item_category,
    o.title as other_title,
    o.category_path as other_category
from recsys.item_pairs as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id
left join recsys.item_details as o
    on r.as_of_date = o.as_of_date and r.other_item_id = o.item_id;

comment on column bi.item_pairs.item_title is 'Name of the anchor; null where the shop has none.';
comment on column bi.item_pairs.item_category is 'Categories of the anchor, from wide to narrow.';
comment on column bi.item_pairs.other_title is 'Name of the partner.';
comment on column bi.item_pairs.other_category is 'Categories of the partner, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_item_pairs as
select r.*
from bi.item_pairs as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
