-- One row per segment and rank: an item that many users take lately, and more than was to be expected.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.trending_items (
    as_of_date date not null,
    segment text collate "C" not null,
    rank integer not null,
    item_id text not null,
    score double precision not null,
    users double precision not null,
    observed double precision not null,
    expected double precision not null,
    above double precision not null,
    category_above double precision not null,
    reason_code text not null,
    reason_text text not null,
    model_version text not null,
    primary key (segment, rank, as_of_date)
) partition by list (as_of_date);

comment on table recsys.trending_items is
'One row per segment and rank: an item that many users take lately, and more than was to be expected.';
comment on column recsys.trending_items.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.trending_items.segment is 'Segment of users; '''' for all users.';
comment on column recsys.trending_items.rank is
'Place in the segment, from 1, without gaps: the order in which users without history are shown the items.';
comment on column recsys.trending_items.item_id is 'The item, in stock and not retired; once in a segment.';
comment on column recsys.trending_items.score is 'Users times a power of `above`; higher is better.';
comment on column recsys.trending_items.users is
'Users who lately did something with it, faded by age and weighed by what they did.';
comment on column recsys.trending_items.observed is
'Users and days on which it was taken in the recent days, faded by age.';
comment on column recsys.trending_items.expected is
'What its own past, its category''s growth and the weekdays led to expect.';
comment on column recsys.trending_items.above is 'Observed over expected, both with a prior; 1 is as expected.';
comment on column recsys.trending_items.category_above is
'The same for its whole category against its past and the weekdays.';
comment on column recsys.trending_items.reason_code is
'rising (a tenth above what was expected, and further than chance goes) or steady.';
comment on column recsys.trending_items.reason_text is 'The reason as a sentence for people.';
comment on column recsys.trending_items.model_version is 'Hash that names the settings behind the row.';
