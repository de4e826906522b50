-- One row per bundle: a set of two to five items that sell together.
-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_bundles as
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
    r.model_version
from recsys.bundles as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);

-- Every published day.
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
    r.model_version
from recsys.bundles as r;
