-- One row per stage of a run: how many rows, users and items came through.
-- Every published day.
create or replace view bi.run_funnel as
select
    r.as_of_date,
    r.place,
    r.stage,
    r.value,
    r.meaning
from recsys.run_funnel as r;

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_run_funnel as
select r.*
from bi.run_funnel as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
