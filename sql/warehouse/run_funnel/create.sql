-- One row per stage of a run: how many rows, users and items came through.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.run_funnel (
    as_of_date date not null,
    place integer not null,
    stage text not null,
    value bigint not null,
    meaning text not null,
    primary key (as_of_date, place)
) partition by list (as_of_date);

comment on table recsys.run_funnel is 'One row per stage of a run: how many rows, users and items came through.';
comment on column recsys.run_funnel.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.run_funnel.place is 'Order of the stages, from 1.';
comment on column recsys.run_funnel.stage is 'The stage, as a code.';
comment on column recsys.run_funnel.value is 'How many.';
comment on column recsys.run_funnel.meaning is 'What was counted, in words.';
