-- items: one row per item, as it stood just before as_of.
--
-- To plug in a shop: keep the column names. category_path goes from wide to narrow, separated by ' > '.
-- A shop that keeps versions selects the one that held at as_of, as here. A shop that overwrites its rows drops the
-- where clause, selects null::timestamptz as valid_from and valid_to, and adds current_date as snapshot_date, so that
-- the run can say that the row tells of a later day.
-- A shop that notes no end of an item's sale tells it from its orders, or lists go on with what is over: retired_at is
-- the last sale before as_of, once that is so long ago that the item must be gone; launched_at the first one.
-- A column that the shop lacks stays in the list as null. Delete this file if the shop has no such table.
-- Where the shop has vectors of its pictures (real[], vector, or text such as [0.1,0.2]), it adds them as image_vector:
-- items are then compared by their looks too.
-- Parameters: as_of (instant), as_of_date.
select
    item_id,
    title,
    description,
    category_path,
    brand,
    list_price,
    unit_cost,
    launched_at,
    retired_at,
    image_url,
    valid_from,
    valid_to
from shop.items
where
    (valid_from is null or valid_from < %(as_of)s)
    and (valid_to is null or valid_to >= %(as_of)s)
