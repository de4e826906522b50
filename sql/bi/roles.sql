-- Run once by an administrator of the warehouse: the two roles, the schemas, and the rights on both.
-- recsys_writer owns what the runs write. bi_reader may read the views of schema bi and nothing else.
do $$
begin
    if not exists (select from pg_roles where rolname = 'recsys_writer') then
        create role recsys_writer nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'bi_reader') then
        create role bi_reader nologin;
    end if;
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant recsys_writer to %I', current_user);
    end if;
    -- Temporary tables are a right of everyone by default; only the checks of staged rows need them.
    execute format('revoke temporary on database %I from public', current_database());
    execute format('grant connect, temporary on database %I to recsys_writer', current_database());
    execute format('grant connect on database %I to bi_reader', current_database());
end
$$;

alter role bi_reader set statement_timeout = '60s';
alter role bi_reader set default_transaction_read_only = on;

create schema if not exists recsys authorization recsys_writer;
create schema if not exists recsys_staging authorization recsys_writer;
create schema if not exists bi authorization recsys_writer;

comment on schema recsys is 'Published tables, one partition a day; written by the runs only.';
comment on schema recsys_staging is 'Tables being loaded and checked, on their way to becoming partitions.';
comment on schema bi is 'Views for analysts: current_* follow the current run, the others hold every published day.';
