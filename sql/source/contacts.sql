-- contacts: one row per campaign and user who was contacted before as_of.
--
-- To plug in a shop: keep the column names. Of several contacts the first counts. Delete this file if the shop does
-- not keep whom it contacted. Parameters: as_of (instant), contacts_from (a day, inclusive), as_of_date.
select
    campaign_id,
    user_id,
    contacted_at
from shop.campaign_contacts
where contacted_at is null or (contacted_at < %(as_of)s and contacted_at >= %(contacts_from)s)
