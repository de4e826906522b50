-- Four weeks of each item that sells: a fifth of them.
select
    %(day)s::date as as_of_date,
    'i' || lpad(i::text, 7, '0') as item_id,
    %(day)s::date + d as forecast_date,
    (1 + i %% 9)::real as mean,
    (i %% 9 * 0.4)::real as q10,
    (1 + i %% 9)::real as q50,
    (3 + i %% 9 * 1.8)::real as q90,
    ((1 + i %% 9) * (d + 1))::real as total_mean,
    (i %% 9 * 0.6 * (d + 1))::real as total_q10,
    ((1 + i %% 9) * (d + 1))::real as total_q50,
    ((3 + i %% 9 * 1.5) * (d + 1))::real as total_q90,
    0.5::real as published_demand,
    (array['ets', 'croston', 'seasonal_naive'])[1 + i %% 3] as model,
    'made rows' as model_version
from generate_series(0, %(items)s / 5 - 1) as i
cross join generate_series(0, 27) as d
