-- One row per published day, newest first: when it was built, by which run, and whether readers see it.
create or replace view bi.published_days as
select
    r.as_of_date,
    r.as_of_date = (select c.as_of_date from recsys.current_run as c) as is_current,
    count(*) as tables,
    sum(r.rows)::bigint as rows,
    max(r.run_id) as run_id,
    max(r.published_at) as published_at
from recsys.published_runs as r
group by r.as_of_date
order by r.as_of_date desc;

comment on view bi.published_days is 'One row per published day, newest first.';
comment on column bi.published_days.as_of_date is 'The day the rows are for.';
comment on column bi.published_days.is_current is 'Whether the views current_* show this day.';
comment on column bi.published_days.tables is 'Tables published for the day.';
comment on column bi.published_days.rows is 'Rows of all these tables together.';
comment on column bi.published_days.run_id is 'Run that published the day.';
comment on column bi.published_days.published_at is 'When its rows became visible.';
