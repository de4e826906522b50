-- Offending rows among the staged similar items, none if all is well: what is wrong, and where.
with anchors as (
    select
        item_id,
        count(rank) as places,
        count(distinct rank) as ranks,
        max(rank) as last_rank
    from similar_items
    group by item_id
)

select
    'an item is like itself' as problem,
    item_id as place
from similar_items
where item_id = other_item_id

union all

select
    'ranks do not run from 1 without gaps' as problem,
    item_id as place
from anchors
where places > 0 and (ranks <> places or last_rank <> places)

union all

select
    'a row stands in no order' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from similar_items
where rank is null and behaviour_rank is null and content_rank is null

union all

select
    'a score is not a finite number' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from similar_items
where
    score in ('NaN', 'Infinity', '-Infinity')
    or behaviour in ('NaN', 'Infinity', '-Infinity')
    or likeness in ('NaN', 'Infinity', '-Infinity')

union all

select
    'empty reason' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from similar_items
where reason_code = '' or btrim(reason_text) = ''
