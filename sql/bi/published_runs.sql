-- One row per published table and as-of date.
create or replace view bi.published_runs as
select
    r.as_of_date,
    r.table_name,
    r.run_id,
    r.rows,
    r.checksum,
    r.model_version,
    r.published_at
from recsys.published_runs as r;
