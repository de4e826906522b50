-- One row per user and place: the items that a user did something with last, newest first.
-- Every published day; what ids stand for is looked up.
create or replace view bi.user_history as
select
    r.as_of_date,
    r.user_id,
    r.rank,
    r.item_id,
    r.events,
    r.weight,
    r.last_on,
    i.title as item_title,
    i.category_path as item_category
from recsys.user_history as r
left join recsys.item_details as i
    on r.as_of_date = i.as_of_date and r.item_id = i.item_id;

comment on column bi.user_history.item_title is 'Name of the item; null where the shop has none.';
comment on column bi.user_history.item_category is 'Categories of the item, from wide to narrow.';

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_user_history as
select r.*
from bi.user_history as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
