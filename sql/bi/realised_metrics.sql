-- One row per published day, horizon, list, slice and metric: what users did with what they were shown.
-- Every published day and horizon once, as the newest run that measured it found; several may have, where lists were
-- published again or days were filled in later.
create or replace view bi.realised_metrics as
select
    r.as_of_date,
    r.published_date,
    r.horizon_days,
    r.list,
    r.slice,
    r.slice_value,
    r.metric,
    r.value,
    r.low,
    r.high,
    r.users,
    r.model_version
from recsys.realised_metrics as r
where
    (r.published_date, r.horizon_days, r.as_of_date) in (
        select
            m.published_date,
            m.horizon_days,
            max(m.as_of_date) as newest
        from recsys.realised_metrics as m
        group by m.published_date, m.horizon_days
    );

-- The rows that readers should use: those of the current run, and of no other.
-- Column by column, since the table of an upgraded warehouse may hold them in another order.
create or replace view bi.current_realised_metrics as
select
    r.as_of_date,
    r.published_date,
    r.horizon_days,
    r.list,
    r.slice,
    r.slice_value,
    r.metric,
    r.value,
    r.low,
    r.high,
    r.users,
    r.model_version
from recsys.realised_metrics as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
