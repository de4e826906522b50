-- One row per check of a run's input, and of how far the run is from the last published day.
-- Every published day.
create or replace view bi.data_quality as
select
    r.as_of_date,
    r.table_name,
    r.check_name,
    r.subject,
    r.severity,
    r.value,
    r.threshold,
    r.passed,
    r.message
from recsys.data_quality as r;

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_data_quality as
select r.*
from bi.data_quality as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
