-- combinations: one row per pair of items that must never, or must always, be offered together.
--
-- To plug in a shop: keep the column names. The order of the two items does not matter.
-- rule is forbidden (never in one pair or bundle) or forced (always offered together).
-- Delete this file if the shop has no such table.
-- Parameters: as_of_date (a day, exclusive), as_of (instant).
select
    item_id,
    other_item_id,
    rule
from shop.combinations
where
    (valid_from is null or valid_from < %(as_of)s)
    and (valid_to is null or valid_to >= %(as_of)s)
