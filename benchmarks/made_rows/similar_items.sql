-- Ten similar items of each item.
select
    %(day)s::date as as_of_date,
    'i' || lpad(i::text, 7, '0') as item_id,
    'i' || lpad(((i + s * 1013) %% %(items)s)::text, 7, '0') as other_item_id,
    s as rank,
    s as behaviour_rank,
    11 - s as content_rank,
    (1.0 / s)::real as score,
    0.3::real as behaviour,
    0.6::real as likeness,
    s = 1 as is_variant,
    'same_visits' as reason_code,
    'Looked at in the same visits.' as reason_text,
    'made rows' as model_version
from generate_series(0, %(items)s - 1) as i
cross join generate_series(1, 10) as s
