-- One row per published table, for monitoring: how old its newest day is, and whether it shrank.
create or replace view bi.table_freshness as
with days as (
    select
        r.table_name,
        r.as_of_date,
        r.rows,
        r.checksum,
        r.published_at,
        lag(r.rows) over (partition by r.table_name order by r.as_of_date) as rows_before,
        row_number() over (partition by r.table_name order by r.as_of_date desc) as place
    from recsys.published_runs as r
)

select
    d.table_name,
    d.as_of_date as newest_day,
    d.as_of_date = (select c.as_of_date from recsys.current_run as c) as is_current,
    d.rows,
    d.rows_before,
    d.rows::double precision / nullif(d.rows_before, 0) - 1 as change,
    d.checksum,
    d.published_at,
    extract(epoch from now() - d.published_at)::double precision / 3600 as hours_old
from days as d
where d.place = 1;

comment on view bi.table_freshness is 'One row per published table: its newest day, for monitoring.';
comment on column bi.table_freshness.table_name is 'Published table.';
comment on column bi.table_freshness.newest_day is 'Newest day that it holds.';
comment on column bi.table_freshness.is_current is 'Whether the views current_* show that day.';
comment on column bi.table_freshness.rows is 'Rows of that day.';
comment on column bi.table_freshness.rows_before is 'Rows of the published day before it; null: there is none.';
comment on column bi.table_freshness.change is 'Growth against the day before, as a share: -0.1 is a tenth less.';
comment on column bi.table_freshness.checksum is 'SHA-256 over the rows of that day.';
comment on column bi.table_freshness.published_at is 'When that day became visible.';
comment on column bi.table_freshness.hours_old is 'Hours since then.';
