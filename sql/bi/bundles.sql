-- One row per bundle: a set of two to five items that sell together.
-- Every published day; what ids stand for is looked up.
create or replace view bi.bundles as
select
    r.as_of_date,
    r.bundle_id,
    r.rank,
    r.name,
    r.size,
    r.score,
    r.baskets,
    r.users,
    r.expected_baskets,
    r.lift,
    r.p_value,
    r.anchor_share,
    r.cohesion,
    r.variety,
    r.forced,
    r.list_price,
    r.unit_cost,
    r.suggested_discount,
    r.suggested_price,
    r.last_seen,
    r.reason_code,
    r.reason_text,
    r.model_version,
    (
        select string_agg(coalesce(i.title, m.item_id), ' + ' order by m.position)
        from recsys.bundle_items as m
        left join recsys.item_details as i
            on m.as_of_date = i.as_of_date and m.item_id = i.item_id
        where m.as_of_date = r.as_of_date and m.bundle_id = r.bundle_id
    ) as item_titles
from recsys.bundles as r;

comment on column bi.bundles.item_titles is 'Names of the members, the anchor first.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_bundles as
select r.*
from bi.bundles as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
