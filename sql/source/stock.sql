-- stock: one row per item, its newest count before as_of_date that is not older than stock_from.
--
-- To plug in a shop: keep the column names. snapshot_date is the day at whose end the units were counted.
-- A shop that keeps only today's count drops the where clause and selects current_date as snapshot_date, so that the
-- run can say that the count is of a later day.
-- A column that the shop lacks stays in the list as null. Delete this file if the shop has no such table.
-- Parameters: stock_from (a day, inclusive), as_of_date (a day, exclusive), as_of (instant).
select distinct on (item_id)
    item_id,
    snapshot_date,
    on_hand,
    on_order,
    lead_time_days,
    min_order_quantity
from shop.stock
where
    snapshot_date >= %(stock_from)s
    and snapshot_date < %(as_of_date)s
order by item_id asc, snapshot_date desc
