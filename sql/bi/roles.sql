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
-- A transaction that is left open holds what it read, and publishing waits for it.
alter role bi_reader set idle_in_transaction_session_timeout = '60s';
alter role bi_reader set default_transaction_read_only = on;

-- What is set for a role does not pass to its members: who logs in as a reader gets the same limits here, in this
-- database alone, except for settings of their own. Run again when readers were added.
do $$
declare
    limited record;
begin
    for limited in
        select
            readers.rolname as reader,
            split_part(own.setting, '=', 1) as name,
            split_part(own.setting, '=', 2) as value
        from pg_roles as readers
        cross join (select unnest(rolconfig) as setting from pg_roles where rolname = 'bi_reader') as own
        where
            readers.rolcanlogin and not readers.rolsuper and readers.rolname not in ('bi_reader', current_user)
            and pg_has_role(readers.oid, 'bi_reader', 'usage')
            and not pg_has_role(readers.oid, 'recsys_writer', 'member')
            and not exists (
                select from pg_db_role_setting as theirs
                cross join unnest(theirs.setconfig) as setting
                where
                    theirs.setrole = readers.oid
                    and theirs.setdatabase in (0, (select oid from pg_database where datname = current_database()))
                    and split_part(setting, '=', 1) = split_part(own.setting, '=', 1)
            )
        order by readers.rolname
    loop
        begin
            execute format(
                'alter role %I in database %I set %I = %L',
                limited.reader, current_database(), limited.name, limited.value
            );
        exception when insufficient_privilege then
            raise warning 'the reader % has no % in this database: let an administrator set it', limited.reader,
                limited.name;
        end;
    end loop;
end
$$;

create schema if not exists recsys authorization recsys_writer;
create schema if not exists recsys_staging authorization recsys_writer;
create schema if not exists bi authorization recsys_writer;

comment on schema recsys is 'Published tables, one partition a day; written by the runs only.';
comment on schema recsys_staging is 'Tables being loaded and checked, on their way to becoming partitions.';
comment on schema bi is 'Views for analysts: current_* follow the current run, the others hold every published day.';
