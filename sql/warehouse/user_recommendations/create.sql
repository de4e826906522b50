-- One row per user, list and rank.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.user_recommendations (
    as_of_date date not null,
    list text collate "C" not null,
    user_id text collate "C" not null,
    rank integer not null,
    item_id text collate "C" not null,
    score real not null,
    generator text not null,
    anchor_item_id text,
    purchases integer,
    last_purchase_days integer,
    usual_gap_days integer,
    fallback text,
    reason_code text not null,
    reason_text text not null,
    top_features text,
    probability real,
    due_date date,
    overdue boolean,
    propensity real,
    model_version text not null,
    primary key (user_id, list, rank, as_of_date),
    unique (user_id, list, item_id, as_of_date)
) partition by list (as_of_date);

comment on table recsys.user_recommendations is 'One row per user, list and rank.';
comment on column recsys.user_recommendations.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.user_recommendations.list is
'for_you, discover (never bought before), buy_again or new_arrivals.';
comment on column recsys.user_recommendations.user_id is 'Who the list is for.';
comment on column recsys.user_recommendations.rank is 'Place in the list, from 1, without gaps.';
comment on column recsys.user_recommendations.item_id is 'What is recommended; once in a list.';
comment on column recsys.user_recommendations.score is
'The ranker''s score, comparable within one list of one user only; of a row that variety moved up, and of those '
'it passed, the lowest score so far.';
comment on column recsys.user_recommendations.generator is
'Candidate generator that proposed the item highest; a fallback''s name for fallbacks.';
comment on column recsys.user_recommendations.anchor_item_id is 'Item of the user''s history that the reason names.';
comment on column recsys.user_recommendations.purchases is
'Trips on which the user bought the item; null: never.';
comment on column recsys.user_recommendations.last_purchase_days is
'Days since the last of them, begun ones counted.';
comment on column recsys.user_recommendations.usual_gap_days is
'Days that usually pass until it is bought again.';
comment on column recsys.user_recommendations.fallback is
'segment or trending where the user''s own history gave too little; else null.';
comment on column recsys.user_recommendations.reason_code is 'Kind of reason, a stable code.';
comment on column recsys.user_recommendations.reason_text is 'The reason as a sentence for people.';
comment on column recsys.user_recommendations.top_features is
'Three groups of features that moved the score most, exactly; null beyond explain.rows_a_list places.';
comment on column recsys.user_recommendations.probability is
'In buy_again: calibrated chance of a purchase within the next 14 days (setting repeat.days).';
comment on column recsys.user_recommendations.due_date is
'In buy_again: when the next purchase is due, by the usual gap.';
comment on column recsys.user_recommendations.overdue is 'In buy_again: whether that day has passed.';
comment on column recsys.user_recommendations.propensity is
'Chance with which exploration gave this place to the item; null: it stands there for certain.';
comment on column recsys.user_recommendations.model_version is
'Hash that names the models and settings behind the row.';
