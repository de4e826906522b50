-- One row per user and rank: a bundle worth showing to the user.
-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_user_bundles as
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
    r.model_version
from recsys.user_bundles as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);

-- Every published day.
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
    r.model_version
from recsys.user_bundles as r;
