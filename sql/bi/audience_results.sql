-- One row per matured campaign, way of choosing and group of users: what happened.
-- Every published day.
create or replace view bi.audience_results as
with shared as (
    select
        one.as_of_date,
        one.campaign_name
    from recsys.audience_results as one
    group by one.as_of_date, one.campaign_name
    having min(one.campaign_id) <> max(one.campaign_id)
)

select
    r.as_of_date,
    r.campaign_id,
    r.way,
    r.user_group,
    r.campaign_name,
    r.starts_on,
    r.ends_on,
    r.audience_date,
    r.users,
    r.predicted,
    r.responders,
    r.response_rate,
    r.buyers,
    r.buyer_rate,
    r.revenue,
    r.revenue_per_user,
    r.above_holdout,
    r.above_holdout_low,
    r.above_holdout_high,
    r.reason_code,
    r.reason_text,
    r.model_version,
    coalesce(
        case when shared.campaign_name is null then nullif(r.campaign_name, '') end,
        nullif(r.campaign_name, '') || ' (' || r.campaign_id || ')',
        r.campaign_id
    ) as campaign
from recsys.audience_results as r
left join shared
    on r.as_of_date = shared.as_of_date and r.campaign_name = shared.campaign_name;

comment on column bi.audience_results.campaign is
'Name of the campaign, with its id where others of the day have that name; its id where the shop has none.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_audience_results as
select r.*
from bi.audience_results as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
