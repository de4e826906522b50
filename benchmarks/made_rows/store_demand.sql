-- Five stores of each of a tenth of the items.
select
    %(day)s::date as as_of_date,
    'i' || lpad(i::text, 7, '0') as item_id,
    'store ' || s as store_id,
    0.2::double precision as share,
    (1 + i %% 3)::real as daily_demand,
    (28 + i %% 50)::real as horizon_demand,
    10::real as horizon_q10,
    28::real as horizon_q50,
    60::real as horizon_q90,
    'made rows' as model_version
from generate_series(0, %(items)s / 10 - 1) as i
cross join generate_series(1, 5) as s
