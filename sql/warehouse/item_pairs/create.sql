-- One row per anchor item and partner item, in the direction anchor -> partner.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.item_pairs (
    as_of_date date not null,
    item_id text collate "C" not null,
    other_item_id text collate "C" not null,
    relation text not null,
    evidence text not null,
    rank integer,
    rank_distinct integer,
    score real not null,
    baskets integer not null,
    users integer not null,
    confidence real not null,
    lift real not null,
    expected_baskets real not null,
    expected_users real not null,
    p_value double precision not null,
    q_value double precision not null,
    significant boolean not null,
    first_seen date,
    last_seen date,
    trend real,
    price double precision,
    other_price double precision,
    reason_code text not null,
    reason_text text not null,
    model_version text not null,
    primary key (as_of_date, item_id, other_item_id)
) partition by list (as_of_date);

comment on table recsys.item_pairs is 'One row per anchor item and partner item, in the direction anchor -> partner.';
comment on column recsys.item_pairs.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.item_pairs.item_id is 'Anchor: the item in hand.';
comment on column recsys.item_pairs.other_item_id is 'Partner: the item to add.';
comment on column recsys.item_pairs.relation is 'complement (goes with), or substitute (instead of: never ranked).';
comment on column recsys.item_pairs.evidence is
'own (baskets), text (borrowed from similar titles), category (borrowed) or forced.';
comment on column recsys.item_pairs.rank is 'Place by likelihood, from 1; null outside this order.';
comment on column recsys.item_pairs.rank_distinct is 'Place by affinity, bestsellers left out; null outside.';
comment on column recsys.item_pairs.score is 'Probability of the partner in a basket with the anchor, smoothed.';
comment on column recsys.item_pairs.baskets is 'Baskets with both items.';
comment on column recsys.item_pairs.users is 'Distinct users with such a basket.';
comment on column recsys.item_pairs.confidence is 'Share of the anchor''s baskets that hold the partner.';
comment on column recsys.item_pairs.lift is
'Baskets over expected baskets, both with pairs.lift_prior added: shrunken towards 1.';
comment on column recsys.item_pairs.expected_baskets is
'Baskets with both that chance gives, knowing sizes of baskets and times of items.';
comment on column recsys.item_pairs.expected_users is
'Distinct users that chance gives, knowing the activity of users.';
comment on column recsys.item_pairs.p_value is 'Chance of so many distinct users by accident.';
comment on column recsys.item_pairs.q_value is 'Share of accidents among pairs at least this strong.';
comment on column recsys.item_pairs.significant is 'Whether the q-value lies within the setting.';
comment on column recsys.item_pairs.first_seen is 'First day bought together.';
comment on column recsys.item_pairs.last_seen is 'Last day bought together.';
comment on column recsys.item_pairs.trend is 'Recent baskets over those its average pace would give; 1 = steady.';
comment on column recsys.item_pairs.price is 'List price of the anchor.';
comment on column recsys.item_pairs.other_price is 'List price of the partner.';
comment on column recsys.item_pairs.reason_code is 'Kind of reason, a stable code.';
comment on column recsys.item_pairs.reason_text is 'The reason as a sentence for people.';
comment on column recsys.item_pairs.model_version is 'Hash that names the settings behind the row.';
