-- One row per running experiment and user who takes part.
-- Every published day.
create or replace view bi.experiment_assignments as
select
    r.as_of_date,
    r.experiment,
    r.user_id,
    r.bucket,
    r.arm,
    r.share
from recsys.experiment_assignments as r;

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_experiment_assignments as
select r.*
from bi.experiment_assignments as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
