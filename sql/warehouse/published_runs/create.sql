-- One row per published table and as-of date.
create table if not exists recsys.published_runs (
    as_of_date date not null,
    table_name text collate "C" not null,
    run_id text not null,
    rows bigint not null,
    checksum text not null,
    model_version text,
    published_at timestamp with time zone not null default now(),
    primary key (as_of_date, table_name)
);

comment on table recsys.published_runs is 'One row per published table and as-of date.';
comment on column recsys.published_runs.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.published_runs.table_name is 'Published table.';
comment on column recsys.published_runs.run_id is 'Run that wrote the partition.';
comment on column recsys.published_runs.rows is 'Rows in the partition.';
comment on column recsys.published_runs.checksum is 'SHA-256 over the partition''s rows in key order.';
comment on column recsys.published_runs.model_version is 'Hash that names the models and settings behind the rows.';
comment on column recsys.published_runs.published_at is 'When the partition became visible.';
