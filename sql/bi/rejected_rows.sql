-- One row per source row that was refused, with the reason.
-- Every published day.
create or replace view bi.rejected_rows as
select
    r.as_of_date,
    r.table_name,
    r.row_key,
    r.reason,
    r.day,
    r.row_text
from recsys.rejected_rows as r;

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_rejected_rows as
select r.*
from bi.rejected_rows as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
