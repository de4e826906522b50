-- A hundred items for each of 20 segments.
select
    %(day)s::date as as_of_date,
    'segment ' || lpad(s::text, 2, '0') as segment,
    r as rank,
    'i' || lpad(((s * 211 + r * 17) %% %(items)s)::text, 7, '0') as item_id,
    (100.0 / r)::double precision as score,
    (500.0 / r)::double precision as users,
    (600.0 / r)::double precision as observed,
    (300.0 / r)::double precision as expected,
    2::double precision as above,
    1.2::double precision as category_above,
    'rising' as reason_code,
    'Taken twice as often as usual.' as reason_text,
    'made rows' as model_version
from generate_series(1, 20) as s
cross join generate_series(1, 100) as r
