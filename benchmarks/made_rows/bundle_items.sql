-- Members of the 5,000 bundles.
select
    %(day)s::date as as_of_date,
    'b' || lpad(b::text, 6, '0') as bundle_id,
    'i' || lpad(((b * 3 + p * 101) %% %(items)s)::text, 7, '0') as item_id,
    p as position,
    (1 + (b + p) %% 20)::double precision as list_price,
    (5 + b %% 50)::real as days_of_cover
from generate_series(0, 4999) as b
cross join generate_series(1, 2 + b %% 4) as p
