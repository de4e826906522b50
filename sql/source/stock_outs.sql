-- stock_outs: one row per item and spell of whole days without stock, so that no sale is not taken for no demand.
--
-- To plug in a shop: keep the column names. first_day and last_day are days on which nothing could be sold from morning
-- to evening. Here they follow from the counts: an item counted empty in the evening is out on the days up to the next
-- count, which belongs to them where it finds the item empty again; a count says nothing of more than four weeks.
-- A shop that keeps no history of its stock deletes this file: every day then counts as a day on sale.
-- A literal percent sign is written twice. Parameters: history_from (a day, inclusive), as_of_date (a day, exclusive).
with counts as (
    select
        item_id,
        snapshot_date,
        on_hand,
        lead(snapshot_date) over following as next_date,
        lead(on_hand) over following as next_on_hand
    from shop.stock
    where snapshot_date >= %(history_from)s and snapshot_date < %(as_of_date)s
    window following as (partition by item_id order by snapshot_date)
),

spells as (
    select
        item_id,
        snapshot_date + 1 as first_day,
        least(
            snapshot_date + 28,
            case
                when next_date is null then %(as_of_date)s::date - 1
                when next_on_hand <= 0 then next_date
                else next_date - 1
            end
        ) as last_day
    from counts
    where on_hand <= 0
)

select
    item_id,
    first_day,
    last_day
from spells
where first_day <= last_day
