-- Offending rows among the staged pairs, none if all is well: what is wrong, and where.
with anchors as (
    select
        item_id,
        count(rank) as places,
        count(distinct rank) as ranks,
        max(rank) as last_rank
    from item_pairs
    group by item_id
)

select
    'an item is paired with itself' as problem,
    item_id as place
from item_pairs
where item_id = other_item_id

union all

select
    'ranks do not run from 1 without gaps' as problem,
    item_id as place
from anchors
where places > 0 and (ranks <> places or last_rank <> places)

union all

select
    'unknown relation' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from item_pairs
where relation not in ('complement', 'substitute')

union all

select
    'unknown evidence' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from item_pairs
where evidence not in ('own', 'text', 'category', 'forced')

union all

select
    'a substitute is ranked' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from item_pairs
where relation = 'substitute' and (rank is not null or rank_distinct is not null)

union all

select
    'a score, lift or share is out of its range' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from item_pairs
where
    score in ('NaN', 'Infinity', '-Infinity')
    or lift in ('NaN', 'Infinity', '-Infinity')
    or not (confidence between 0 and 1 and p_value between 0 and 1 and q_value between 0 and 1)

union all

select
    'empty reason' as problem,
    concat_ws(' / ', item_id, other_item_id) as place
from item_pairs
where reason_code = '' or btrim(reason_text) = ''
