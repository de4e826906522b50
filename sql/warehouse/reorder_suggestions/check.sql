-- Offending rows among the staged suggestions, none if all is well: what is wrong, and where.
select
    'a quantity that is negative, no finite number, or no multiple of the minimum order' as problem,
    item_id as place
from reorder_suggestions
where
    suggested_quantity < 0
    or suggested_quantity in ('NaN', 'Infinity')
    or abs(
        suggested_quantity / min_order_quantity - round(suggested_quantity / min_order_quantity)
    ) > 1e-6

union all

select
    'an order although stock and units on their way are above the reorder point' as problem,
    item_id as place
from reorder_suggestions
where suggested_quantity > 0 and on_hand + on_order > reorder_point

union all

select
    'an order of an item with more than enough' as problem,
    item_id as place
from reorder_suggestions
where suggested_quantity > 0 and overstock

union all

select
    'a reorder point above the level to order up to' as problem,
    item_id as place
from reorder_suggestions
where reorder_point > order_up_to

union all

select
    'a stock-out in the past' as problem,
    item_id as place
from reorder_suggestions
where stock_out_date < as_of_date

union all

select
    'empty reason' as problem,
    item_id as place
from reorder_suggestions
where reason_code = '' or btrim(reason_text) = ''
