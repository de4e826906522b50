-- One row per running or coming campaign, way of choosing and user worth contacting.
-- Every published day.
create or replace view bi.campaign_audiences as
with shared as (
    select
        one.as_of_date,
        one.campaign_name
    from recsys.campaign_audiences as one
    group by one.as_of_date, one.campaign_name
    having min(one.campaign_id) <> max(one.campaign_id)
)

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
    coalesce(
        case when shared.campaign_name is null then nullif(r.campaign_name, '') end,
        nullif(r.campaign_name, '') || ' (' || r.campaign_id || ')',
        r.campaign_id
    ) as campaign
from recsys.campaign_audiences as r
left join shared
    on r.as_of_date = shared.as_of_date and r.campaign_name = shared.campaign_name;

comment on column bi.campaign_audiences.campaign is
'Name of the campaign, with its id where others of the day have that name; its id where the shop has none.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_campaign_audiences as
select r.*
from bi.campaign_audiences as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
