-- One row per matured campaign, way of choosing and group of users: what happened.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.audience_results (
    as_of_date date not null,
    campaign_id text collate "C" not null,
    way text collate "C" not null,
    user_group text collate "C" not null,
    campaign_name text,
    starts_on date not null,
    ends_on date not null,
    audience_date date,
    users integer not null,
    predicted double precision,
    responders integer not null,
    response_rate double precision not null,
    buyers integer not null,
    buyer_rate double precision not null,
    revenue double precision,
    revenue_per_user double precision,
    above_holdout double precision,
    above_holdout_low double precision,
    above_holdout_high double precision,
    reason_code text not null,
    reason_text text not null,
    model_version text not null,
    primary key (campaign_id, way, user_group, as_of_date)
) partition by list (as_of_date);

comment on table recsys.audience_results is
'One row per matured campaign, way of choosing and group of users: what happened.';
comment on column recsys.audience_results.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.audience_results.campaign_id is 'The campaign.';
comment on column recsys.audience_results.way is
'Way of the published audience; any: everybody whom the shop contacted.';
comment on column recsys.audience_results.user_group is
'contacted, holdout (kept apart), or not_contacted (chosen, yet not contacted).';
comment on column recsys.audience_results.campaign_name is 'Name of the campaign.';
comment on column recsys.audience_results.starts_on is 'Day it began.';
comment on column recsys.audience_results.ends_on is 'Day it ended.';
comment on column recsys.audience_results.audience_date is
'As-of date of the audience that is judged; null for way any.';
comment on column recsys.audience_results.users is 'Users of the group.';
comment on column recsys.audience_results.predicted is 'Mean probability told beforehand; null for way any.';
comment on column recsys.audience_results.responders is 'Users who responded.';
comment on column recsys.audience_results.response_rate is 'Responders over users.';
comment on column recsys.audience_results.buyers is 'Users who bought a promoted item while it ran.';
comment on column recsys.audience_results.buyer_rate is 'Buyers over users.';
comment on column recsys.audience_results.revenue is 'Paid for promoted items while it ran; null: no prices are known.';
comment on column recsys.audience_results.revenue_per_user is 'Revenue over users.';
comment on column recsys.audience_results.above_holdout is
'Buyer rate of contacted less that of as likely users of the holdout, where neither had bought before the contact; '
'else null.';
comment on column recsys.audience_results.above_holdout_low is 'Lower end of its 95 % interval.';
comment on column recsys.audience_results.above_holdout_high is 'Upper end of its 95 % interval.';
comment on column recsys.audience_results.reason_code is 'What the row rests on, a stable code.';
comment on column recsys.audience_results.reason_text is 'The result as a sentence for people.';
comment on column recsys.audience_results.model_version is
'Hash that names the models and settings behind the audience.';
