-- The demo shop in the shape of the contract: every table empty, without indexes (those come after the load).

create schema shop;

create table shop.events (
    event_id text not null,
    user_id text,
    item_id text,
    event_type text,
    quantity double precision,
    unit_price double precision,
    order_id text,
    session_id text,
    store_id text,
    occurred_at timestamptz,
    ingested_at timestamptz,
    source text not null default 'completejourney'
);

create table shop.items (
    item_id text not null,
    title text,
    description text,
    category_path text,
    brand text,
    list_price double precision,
    unit_cost double precision,
    launched_at timestamptz,
    retired_at timestamptz,
    image_url text,
    valid_from timestamptz,
    valid_to timestamptz,
    source text not null default 'completejourney'
);

create table shop.users (
    user_id text not null,
    signed_up_at timestamptz,
    segment text,
    attributes text,
    consent boolean not null default true,
    valid_from timestamptz,
    valid_to timestamptz,
    source text not null default 'completejourney'
);

create table shop.stock (
    item_id text not null,
    snapshot_date date not null,
    on_hand double precision,
    on_order double precision,
    lead_time_days double precision,
    min_order_quantity double precision,
    source text not null default 'generated'
);

create table shop.campaigns (
    campaign_id text not null,
    name text,
    announced_at timestamptz,
    starts_at timestamptz,
    ends_at timestamptz,
    budget double precision,
    contact_cost double precision,
    source text not null default 'completejourney'
);

create table shop.campaign_items (
    campaign_id text not null,
    item_id text not null,
    coupon_id text,
    source text not null default 'completejourney'
);

create table shop.campaign_contacts (
    campaign_id text not null,
    user_id text not null,
    contacted_at timestamptz,
    source text not null default 'completejourney'
);

create table shop.campaign_responses (
    campaign_id text not null,
    user_id text not null,
    coupon_id text,
    responded_at timestamptz,
    source text not null default 'completejourney'
);

create table shop.combinations (
    item_id text not null,
    other_item_id text not null,
    rule text not null,
    valid_from timestamptz,
    valid_to timestamptz,
    source text not null default 'shop'
);

comment on schema shop is 'A shop in the shape of the contract; source tells real rows from generated ones.';
comment on table shop.events is 'One row per thing a user did with an item.';
comment on table shop.items is 'One row per item and period in which its price and range state held.';
comment on table shop.users is 'One row per user and period in which its attributes held.';
comment on table shop.stock is 'One row per item and day on which its stock was counted, at the day''s end.';
comment on table shop.campaigns is 'One row per campaign.';
comment on table shop.campaign_items is 'One row per campaign, coupon and item that the coupon is for.';
comment on table shop.campaign_contacts is 'One row per campaign and user who was sent it.';
comment on table shop.campaign_responses is 'One row per coupon that a user redeemed.';
comment on table shop.combinations is 'One row per two items that must never, or always, be offered together.';

grant usage on schema shop to shop_reader;
grant select on all tables in schema shop to shop_reader;
