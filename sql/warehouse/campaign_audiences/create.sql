-- One row per running or coming campaign, way of choosing and user worth contacting.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.campaign_audiences (
    as_of_date date not null,
    campaign_id text collate "C" not null,
    way text collate "C" not null,
    user_id text collate "C" not null,
    rank integer not null,
    probability real not null,
    decile integer not null,
    holdout boolean not null,
    sized_by text not null,
    campaign_name text,
    reason_code text not null,
    reason_count integer,
    reason_total integer,
    reason_place integer,
    reason_days integer,
    reason_text text not null,
    model_version text not null,
    primary key (campaign_id, way, user_id, as_of_date)
) partition by list (as_of_date);

comment on table recsys.campaign_audiences is
'One row per running or coming campaign, way of choosing and user worth contacting.';
comment on column recsys.campaign_audiences.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.campaign_audiences.campaign_id is 'The campaign.';
comment on column recsys.campaign_audiences.way is
'response, affinity or lookalike: what the probability is of, and who is asked.';
comment on column recsys.campaign_audiences.user_id is 'Who is worth contacting.';
comment on column recsys.campaign_audiences.rank is 'Place in the audience, from 1, most likely first.';
comment on column recsys.campaign_audiences.probability is
'Calibrated: of a response (way response), else of buying a promoted item.';
comment on column recsys.campaign_audiences.decile is 'Tenth of the audience, 1 the most likely.';
comment on column recsys.campaign_audiences.holdout is
'Not to be contacted: kept apart to measure what contacting changes.';
comment on column recsys.campaign_audiences.sized_by is 'What ended the audience: budget, stock, share or everybody.';
comment on column recsys.campaign_audiences.campaign_name is 'Name of the campaign.';
comment on column recsys.campaign_audiences.reason_code is 'Kind of reason, a stable code.';
comment on column recsys.campaign_audiences.reason_count is
'Campaigns answered, trips, or promoted items in lists.';
comment on column recsys.campaign_audiences.reason_total is 'Campaigns that the user was contacted for.';
comment on column recsys.campaign_audiences.reason_place is 'Best place of a promoted item in the user''s lists.';
comment on column recsys.campaign_audiences.reason_days is
'Days since the last answer or purchase, begun ones counted.';
comment on column recsys.campaign_audiences.reason_text is 'The reason as a sentence for people.';
comment on column recsys.campaign_audiences.model_version is
'Hash that names the models and settings behind the row.';
