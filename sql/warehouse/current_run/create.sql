-- One row, or none before the first publishing: the day that readers see.
create table if not exists recsys.current_run (
    only_row boolean primary key default true check (only_row),
    as_of_date date not null,
    moved_at timestamp with time zone not null default now()
);

comment on table recsys.current_run is 'One row: the day that the views current_* in schema bi show.';
comment on column recsys.current_run.only_row is 'Always true: the key that keeps it to one row.';
comment on column recsys.current_run.as_of_date is 'Day whose published rows are current.';
comment on column recsys.current_run.moved_at is 'When the pointer was moved, by publishing or by a rollback.';
