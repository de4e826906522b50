-- The ten newest items of each user.
select
    %(day)s::date as as_of_date,
    'u' || lpad(u::text, 8, '0') as user_id,
    r as rank,
    'i' || lpad(((u * 31 + r * 17) %% %(items)s)::text, 7, '0') as item_id,
    1 + (u + r) %% 12 as events,
    (3.0 / r)::real as weight,
    %(day)s::date - r * 3 as last_on
from generate_series(0, %(users)s - 1) as u
cross join generate_series(1, 10) as r
