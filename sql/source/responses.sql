-- responses: one row per campaign, user and moment of a response known before as_of.
--
-- To plug in a shop: keep the column names. A response is what the campaign
-- asks for: a coupon redeemed, an offer taken. Delete this file if the shop does not keep responses.
-- Parameters: as_of (instant), contacts_from (a day, inclusive), as_of_date.
select distinct
    campaign_id,
    user_id,
    responded_at
from shop.campaign_responses
where responded_at is null or (responded_at < %(as_of)s and responded_at >= %(contacts_from)s)
