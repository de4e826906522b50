-- One row per model, setting and metric, measured on the run's own holdout.
-- Every published day.
create or replace view bi.offline_metrics as
select
    r.as_of_date,
    r.model,
    r.setting,
    r.metric,
    r.value,
    r.low,
    r.high,
    r.users,
    r.holdout_from,
    r.holdout_to,
    r.model_version
from recsys.offline_metrics as r;

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_offline_metrics as
select r.*
from bi.offline_metrics as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
