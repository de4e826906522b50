-- One row: the day that the views current_* show.
create or replace view bi.current_run as
select
    c.as_of_date,
    c.moved_at
from recsys.current_run as c;
