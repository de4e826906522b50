-- events: one row per thing a user did with an item.
--
-- To plug in a shop: put your own tables behind these column names and keep the window and the order.
--   * lines that are no items (postage, fees, deposits) are left out here, or lists recommend them to everybody;
--   * rows without a user are refused: where guests buy, each order may be a user, coalesce(user, 'guest ' || order);
--   * ids are text; event_type is one of view, favourite, cart, purchase, return (translate with a case);
--   * quantity and unit_price may be null where an event has none; unit_price is per unit, not per line;
--   * the units of a return may be negative; one within a day of the purchase cancels it, for the demand too;
--   * occurred_at and ingested_at are instants: write "column at time zone 'Europe/Berlin'" for a local time;
--     without a load time, select occurred_at as ingested_at; for a day without a time write
--     "column::timestamp at time zone 'Europe/Berlin'", here and in the window, or west of Greenwich days slip;
--   * rows come ordered by time, so that a day is complete when the next one begins; an index on it saves the sort.
-- A column that the shop lacks stays in the list as null::text (or null::double precision), all but event_id: it tells
-- a row that was loaded twice from two rows. A log without one selects what tells its rows apart, such as
-- md5(concat_ws('|', user_id, item_id, event_type, order_id, occurred_at)), the same whenever it is read.
-- A literal percent sign is written twice. Parameters: window_start (inclusive), window_end (exclusive).
select
    event_id,
    user_id,
    item_id,
    event_type,
    quantity,
    unit_price,
    order_id,
    session_id,
    store_id,
    occurred_at,
    ingested_at
from shop.events
where
    (occurred_at >= %(window_start)s and occurred_at < %(window_end)s)
    -- Rows without a time are looked for by load time, so that they are refused in the open and not lost.
    or (occurred_at is null and ingested_at >= %(window_start)s and ingested_at < %(window_end)s)
order by occurred_at
