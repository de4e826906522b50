-- One row per new item and user who is most likely to want it.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.new_item_audiences (
    as_of_date date not null,
    item_id text collate "C" not null,
    user_id text collate "C" not null,
    rank integer not null,
    score real not null,
    holdout boolean not null,
    launched_on date not null,
    reason_code text not null,
    reason_text text not null,
    model_version text not null,
    primary key (item_id, user_id, as_of_date)
) partition by list (as_of_date);

comment on table recsys.new_item_audiences is 'One row per new item and user who is most likely to want it.';
comment on column recsys.new_item_audiences.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.new_item_audiences.item_id is 'The new item, in stock and not retired.';
comment on column recsys.new_item_audiences.user_id is 'Who is worth telling of it; in few audiences of a day.';
comment on column recsys.new_item_audiences.rank is 'Place in the audience, from 1, who wants it most first.';
comment on column recsys.new_item_audiences.score is
'What the user did with items alike; comparable within one item and day.';
comment on column recsys.new_item_audiences.holdout is
'Not to be told: kept apart to measure what telling changes.';
comment on column recsys.new_item_audiences.launched_on is 'First day on sale.';
comment on column recsys.new_item_audiences.reason_code is 'Kind of reason, a stable code.';
comment on column recsys.new_item_audiences.reason_text is 'The reason as a sentence for people.';
comment on column recsys.new_item_audiences.model_version is
'Hash that names the models and settings behind the row.';
