-- campaign_targets: one row per campaign and item, category or brand that it promotes.
--
-- To plug in a shop: keep the column names. target_type is item, category or brand; target is an item_id, a category
-- path or its beginning (as in items.category_path), or a brand. Delete this file if the shop has no such table.
-- Parameters: as_of (instant), contacts_from (a day, inclusive), as_of_date.
select distinct
    ci.campaign_id,
    'item' as target_type,
    ci.item_id as target
from shop.campaign_items as ci
inner join shop.campaigns as c
    on
        ci.campaign_id = c.campaign_id
        and (c.announced_at is null or c.announced_at < %(as_of)s)
