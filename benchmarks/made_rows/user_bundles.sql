-- Three bundles of each user.
select
    %(day)s::date as as_of_date,
    'u' || lpad(u::text, 8, '0') as user_id,
    r as rank,
    'b' || lpad(((u * 7 + r * 11) %% 5000)::text, 6, '0') as bundle_id,
    (1.0 / r)::real as score,
    1 + r %% 2 as new_items,
    'i' || lpad(((u * 31 + r * 17) %% %(items)s)::text, 7, '0') as anchor_item_id,
    'completes' as reason_code,
    'Completes what you bought last week.' as reason_text,
    'made rows' as model_version
from generate_series(0, %(users)s - 1) as u
cross join generate_series(1, 3) as r
