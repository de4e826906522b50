-- One row per source row that was refused, with the reason.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.rejected_rows (
    as_of_date date not null,
    table_name text collate "C" not null,
    row_key text collate "C" not null,
    reason text collate "C" not null,
    day date,
    row_text text not null,
    primary key (as_of_date, table_name, row_key, reason)
) partition by list (as_of_date);

comment on table recsys.rejected_rows is 'One row per source row that was refused, with the reason.';
comment on column recsys.rejected_rows.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.rejected_rows.table_name is 'Table of the contract that the row came from.';
comment on column recsys.rejected_rows.row_key is
'The row''s identifier (200 characters at most), or a hash of its values where it has none.';
comment on column recsys.rejected_rows.reason is 'Why it was refused, as a code.';
comment on column recsys.rejected_rows.day is 'Day partition that the row would have gone to.';
comment on column recsys.rejected_rows.row_text is 'The row as JSON, as the source gave it.';
