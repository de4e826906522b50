-- One row per user and place: the items that a user did something with last, newest first.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.user_history (
    as_of_date date not null,
    user_id text collate "C" not null,
    rank integer not null,
    item_id text not null,
    events integer not null,
    weight real not null,
    last_on date not null,
    primary key (as_of_date, user_id, rank)
) partition by list (as_of_date);

comment on table recsys.user_history is
'One row per user and place: the items that a user did something with last, newest first.';
comment on column recsys.user_history.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.user_history.user_id is 'The user; those who withdrew consent are left out.';
comment on column recsys.user_history.rank is 'Place, from 1: the newest.';
comment on column recsys.user_history.item_id is 'The item.';
comment on column recsys.user_history.events is 'Events between them inside the look-back window.';
comment on column recsys.user_history.weight is
'Sum of the events'' weights, halved every half-life; returns are negative.';
comment on column recsys.user_history.last_on is 'Day of the newest event, in the configured time zone.';
