-- One row per running or coming campaign, way of choosing and user worth contacting.
-- Every published day.
create or replace view bi.campaign_audiences as
select
    r.as_of_date,
    r.campaign_id,
    r.way,
    r.user_id,
    r.rank,
    r.probability,
    r.decile,
    r.holdout,
    r.sized_by,
    r.campaign_name,
    r.reason_code,
    r.reason_count,
    r.reason_total,
    r.reason_place,
    r.reason_days,
    r.reason_text,
    r.model_version,
    coalesce(nullif(r.campaign_name, ''), r.campaign_id) as campaign
from recsys.campaign_audiences as r;

comment on column bi.campaign_audiences.campaign is 'Name of the campaign; its id where the shop has none.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_campaign_audiences as
select r.*
from bi.campaign_audiences as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
