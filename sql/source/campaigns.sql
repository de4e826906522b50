-- campaigns: one row per campaign that the shop knew of before as_of.
--
-- To plug in a shop: keep the column names. announced_at is when the campaign became known (null: always known),
-- so that a past day is built without campaigns that nobody had thought of yet. budget and contact_cost, in the shop's
-- currency, end an audience early; they may be null. Delete this file if the shop has no such table.
-- Parameters: as_of (instant), contacts_from (a day, inclusive), as_of_date.
select
    campaign_id,
    name,
    announced_at,
    starts_at,
    ends_at,
    budget,
    contact_cost
from shop.campaigns
where
    (announced_at is null or announced_at < %(as_of)s)
    -- A row without an end is refused in the open.
    and (ends_at is null or ends_at >= %(contacts_from)s)
