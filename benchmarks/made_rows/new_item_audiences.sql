-- An audience of at most 1,000 users for each of 500 new items.
select
    %(day)s::date as as_of_date,
    'i' || lpad((n * 7 %% %(items)s)::text, 7, '0') as item_id,
    'u' || lpad(((n * 37 + r) %% %(users)s)::text, 8, '0') as user_id,
    r as rank,
    (1.0 / r)::real as score,
    r %% 10 = 0 as holdout,
    %(day)s::date - n %% 28 as launched_on,
    'like_bought' as reason_code,
    'Bought much of this category.' as reason_text,
    'made rows' as model_version
from generate_series(0, 499) as n
cross join generate_series(1, least(1000, %(users)s)) as r
