-- One row per check of a run's input, and of how far the run is from the last published day.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.data_quality (
    as_of_date date not null,
    table_name text collate "C" not null,
    check_name text collate "C" not null,
    subject text collate "C" not null,
    severity text not null,
    value double precision,
    threshold double precision,
    passed boolean not null,
    message text not null,
    primary key (as_of_date, table_name, check_name, subject)
) partition by list (as_of_date);

comment on table recsys.data_quality is
'One row per check of a run''s input, and of how far the run is from the last published day.';
comment on column recsys.data_quality.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.data_quality.table_name is
'Table of the contract, lists or feature view that was checked.';
comment on column recsys.data_quality.check_name is 'What was checked, as a code.';
comment on column recsys.data_quality.subject is
'Column, day or reason that the check is about; '''' for the whole table.';
comment on column recsys.data_quality.severity is 'stop (the run ends before publishing), warn or info.';
comment on column recsys.data_quality.value is 'What was found.';
comment on column recsys.data_quality.threshold is 'From where on the check fails.';
comment on column recsys.data_quality.passed is 'Whether the check holds.';
comment on column recsys.data_quality.message is 'The finding as a sentence.';
