-- One row per item that is on sale or that somebody did something with inside the look-back window.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.item_details (
    as_of_date date not null,
    item_id text collate "C" not null,
    title text,
    category_path text,
    brand text,
    list_price double precision,
    image_url text,
    on_hand double precision,
    users integer not null,
    held_back text,
    primary key (as_of_date, item_id),
    -- A search in the titles walks from the best known item down and ends with its page.
    unique (users, item_id, as_of_date)
) partition by list (as_of_date);

comment on table recsys.item_details is
'One row per item that is on sale or that somebody did something with inside the look-back window.';
comment on column recsys.item_details.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.item_details.item_id is 'Identifier of the item.';
comment on column recsys.item_details.title is 'Name shown to users.';
comment on column recsys.item_details.category_path is 'Categories from wide to narrow, separated by '' > ''.';
comment on column recsys.item_details.brand is 'Brand.';
comment on column recsys.item_details.list_price is 'Price of one unit, in the shop''s currency.';
comment on column recsys.item_details.image_url is 'Address of a picture.';
comment on column recsys.item_details.on_hand is 'Units in stock at the last count; null where the shop counts none.';
comment on column recsys.item_details.users is 'Distinct users with an event of the item inside the look-back window.';
comment on column recsys.item_details.held_back is
'Rule that keeps the item out of all lists: retired or out_of_stock.';
