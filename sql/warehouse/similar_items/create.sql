-- One row per anchor item and similar item that stands in one of three orders.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.similar_items (
    as_of_date date not null,
    item_id text collate "C" not null,
    other_item_id text collate "C" not null,
    rank integer,
    behaviour_rank integer,
    content_rank integer,
    score real not null,
    behaviour real not null,
    likeness real not null,
    is_variant boolean not null,
    reason_code text not null,
    reason_text text not null,
    model_version text not null,
    primary key (item_id, other_item_id, as_of_date)
) partition by list (as_of_date);

comment on table recsys.similar_items is 'One row per anchor item and similar item that stands in one of three orders.';
comment on column recsys.similar_items.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.similar_items.item_id is 'Anchor: the item in hand.';
comment on column recsys.similar_items.other_item_id is 'An item like it, in stock and not retired.';
comment on column recsys.similar_items.rank is 'Place in the learned blend of both kinds, from 1; null outside.';
comment on column recsys.similar_items.behaviour_rank is 'Place by what users viewed or bought too; null outside.';
comment on column recsys.similar_items.content_rank is 'Place by text, category, brand and price; null outside.';
comment on column recsys.similar_items.score is
'The blend''s score; higher is better, comparable within one anchor only.';
comment on column recsys.similar_items.behaviour is
'Share seen next to the anchor plus cosine of the buyers; 0: nothing known.';
comment on column recsys.similar_items.likeness is 'Likeness of texts, plus what category, brand and price add.';
comment on column recsys.similar_items.is_variant is
'Whether both are the same product in another size, colour or pack.';
comment on column recsys.similar_items.reason_code is 'Kind of reason, a stable code.';
comment on column recsys.similar_items.reason_text is 'The reason as a sentence for people.';
comment on column recsys.similar_items.model_version is 'Hash that names the settings behind the row.';
