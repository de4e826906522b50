-- One row per bundle: a set of two to five items that sell together.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.bundles (
    as_of_date date not null,
    bundle_id text collate "C" not null,
    rank integer not null,
    name text not null,
    size integer not null,
    score real not null,
    baskets integer not null,
    users integer not null,
    expected_baskets double precision not null,
    lift real not null,
    p_value double precision not null,
    anchor_share real not null,
    cohesion real not null,
    variety real not null,
    forced boolean not null,
    list_price double precision,
    unit_cost double precision,
    suggested_discount double precision,
    suggested_price double precision,
    last_seen date,
    reason_code text not null,
    reason_text text not null,
    model_version text not null,
    primary key (as_of_date, bundle_id)
) partition by list (as_of_date);

comment on table recsys.bundles is 'One row per bundle: a set of two to five items that sell together.';
comment on column recsys.bundles.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.bundles.bundle_id is 'Hash of the members: the same set has the same id every day.';
comment on column recsys.bundles.rank is 'Place among all bundles, from 1.';
comment on column recsys.bundles.name is 'Name from the members'' categories and titles.';
comment on column recsys.bundles.size is 'Members.';
comment on column recsys.bundles.score is 'Cohesion, significance and variety taken together; higher is better.';
comment on column recsys.bundles.baskets is 'Baskets that hold all members.';
comment on column recsys.bundles.users is 'Distinct users with such a basket.';
comment on column recsys.bundles.expected_baskets is 'Such baskets that chance gives.';
comment on column recsys.bundles.lift is 'Baskets over expected baskets, shrunken by a prior.';
comment on column recsys.bundles.p_value is
'Of its weakest member: chance, corrected for the items tried, that it is an accident.';
comment on column recsys.bundles.anchor_share is 'Share of the anchor''s baskets that hold the whole bundle.';
comment on column recsys.bundles.cohesion is 'Share of the rarest member''s baskets that hold the whole bundle.';
comment on column recsys.bundles.variety is 'Distinct leaf categories over members.';
comment on column recsys.bundles.forced is 'Whether the shop asked for it.';
comment on column recsys.bundles.list_price is 'Sum of the members'' list prices.';
comment on column recsys.bundles.unit_cost is 'Sum of the members'' unit costs.';
comment on column recsys.bundles.suggested_discount is 'Share off the list price; null where a cost is unknown.';
comment on column recsys.bundles.suggested_price is 'List price less the discount; never below the margin floor.';
comment on column recsys.bundles.last_seen is 'Last day the whole bundle was bought.';
comment on column recsys.bundles.reason_code is 'Kind of reason, a stable code.';
comment on column recsys.bundles.reason_text is 'The reason as a sentence for people.';
comment on column recsys.bundles.model_version is 'Hash that names the settings behind the row.';
