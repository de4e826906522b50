-- Comments and rights of the views. Every view column carries the comment of the table column that it shows; what a
-- view looks up besides is described where it is, once, and the view of the current run takes it over. Views that
-- others keep in the schema are theirs to describe and to grant.
do $$
declare
    described record;
begin
    for described in
        select
            views.relname as view_name,
            view_columns.attname as column_name,
            col_description(tables.oid, table_columns.attnum) as meaning
        from pg_class as views
        join pg_class as tables
            on tables.relnamespace = 'recsys'::regnamespace
            and tables.relname in (views.relname, regexp_replace(views.relname, '^current_', ''))
        join pg_attribute as view_columns on view_columns.attrelid = views.oid and view_columns.attnum > 0
        join pg_attribute as table_columns
            on table_columns.attrelid = tables.oid and table_columns.attname = view_columns.attname
        where
            views.relnamespace = 'bi'::regnamespace and views.relkind = 'v' and views.relowner = current_user::regrole
            and tables.relkind in ('r', 'p')
    loop
        execute format(
            'comment on column bi.%I.%I is %L', described.view_name, described.column_name, described.meaning
        );
    end loop;
    for described in
        select
            views.relname as view_name,
            view_columns.attname as column_name,
            col_description(whole.oid, whole_columns.attnum) as meaning
        from pg_class as views
        join pg_class as whole
            on whole.relnamespace = views.relnamespace and views.relname = 'current_' || whole.relname
        join pg_attribute as view_columns on view_columns.attrelid = views.oid and view_columns.attnum > 0
        join pg_attribute as whole_columns
            on whole_columns.attrelid = whole.oid and whole_columns.attname = view_columns.attname
        where
            views.relnamespace = 'bi'::regnamespace and views.relkind = 'v' and views.relowner = current_user::regrole
    loop
        execute format(
            'comment on column bi.%I.%I is %L', described.view_name, described.column_name, described.meaning
        );
    end loop;
    for described in
        select
            views.relname as view_name,
            case when views.relname = tables.relname then '' else 'Current run only. ' end
            || obj_description(tables.oid, 'pg_class') as meaning
        from pg_class as views
        join pg_class as tables
            on tables.relnamespace = 'recsys'::regnamespace
            and tables.relname in (views.relname, regexp_replace(views.relname, '^current_', ''))
        where
            views.relnamespace = 'bi'::regnamespace and views.relkind = 'v' and views.relowner = current_user::regrole
            and tables.relkind in ('r', 'p')
    loop
        execute format('comment on view bi.%I is %L', described.view_name, described.meaning);
    end loop;
    for described in
        select relname as view_name from pg_class
        where relnamespace = 'bi'::regnamespace and relkind = 'v' and relowner = current_user::regrole
    loop
        execute format('grant select on bi.%I to bi_reader', described.view_name);
    end loop;
end
$$;

grant usage on schema bi to bi_reader;
