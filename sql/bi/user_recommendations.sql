-- One row per user, list and rank.
-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_user_recommendations as
select
    r.as_of_date,
    r.list,
    r.user_id,
    r.rank,
    r.item_id,
    r.score,
    r.generator,
    r.anchor_item_id,
    r.fallback,
    r.reason_code,
    r.reason_text,
    r.model_version
from recsys.user_recommendations as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);

-- Every published day.
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
    r.fallback,
    r.reason_code,
    r.reason_text,
    r.model_version
from recsys.user_recommendations as r;
