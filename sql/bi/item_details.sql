-- One row per item that is on sale or that somebody did something with inside the look-back window.
-- Every published day.
create or replace view bi.item_details as
select
    r.as_of_date,
    r.item_id,
    r.title,
    r.category_path,
    r.brand,
    r.list_price,
    r.image_url,
    r.on_hand,
    r.users,
    r.held_back
from recsys.item_details as r;

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_item_details as
select r.*
from bi.item_details as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
