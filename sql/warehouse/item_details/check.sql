-- Offending rows among the staged items, none if all is well: what is wrong, and where.
select
    'a recommended item that is held back' as problem,
    concat_ws(' / ', r.user_id, r.list, r.item_id) as place
from user_recommendations as r
inner join item_details as i on r.item_id = i.item_id
where i.held_back is not null

union all

select
    'users below zero' as problem,
    item_id as place
from item_details
where users < 0
