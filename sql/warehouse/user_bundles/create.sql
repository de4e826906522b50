-- One row per user and rank: a bundle worth showing to the user.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.user_bundles (
    as_of_date date not null,
    user_id text collate "C" not null,
    rank integer not null,
    bundle_id text not null,
    score real not null,
    new_items integer not null,
    anchor_item_id text not null,
    reason_code text not null,
    reason_text text not null,
    model_version text not null,
    primary key (as_of_date, user_id, rank)
) partition by list (as_of_date);

comment on table recsys.user_bundles is 'One row per user and rank: a bundle worth showing to the user.';
comment on column recsys.user_bundles.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.user_bundles.user_id is 'Who it is for.';
comment on column recsys.user_bundles.rank is 'Place in the user''s list, from 1.';
comment on column recsys.user_bundles.bundle_id is 'The bundle.';
comment on column recsys.user_bundles.score is
'Joint purchases to expect of the user, up to a factor; higher is better.';
comment on column recsys.user_bundles.new_items is 'Members that the user has never bought; at least 1.';
comment on column recsys.user_bundles.anchor_item_id is 'Member that speaks most for it.';
comment on column recsys.user_bundles.reason_code is 'Kind of reason, a stable code.';
comment on column recsys.user_bundles.reason_text is 'The reason as a sentence for people.';
comment on column recsys.user_bundles.model_version is 'Hash that names the models and settings behind the row.';
