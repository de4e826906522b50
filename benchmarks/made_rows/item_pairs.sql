-- Ten partners of each item; every tenth instead of it.
select
    %(day)s::date as as_of_date,
    'i' || lpad(i::text, 7, '0') as item_id,
    'i' || lpad(((i + p * 997) %% %(items)s)::text, 7, '0') as other_item_id,
    case when p = 10 then 'substitute' else 'complement' end as relation,
    case when i %% 3 = 0 then 'category' else 'own' end as evidence,
    case when p < 10 then p end as rank,
    case when p < 10 then 10 - p end as rank_distinct,
    (1.0 / p)::real as score,
    10 + i %% 300 as baskets,
    5 + i %% 200 as users,
    (0.5 / p)::real as confidence,
    (1.2 + (i + p) %% 30)::real as lift,
    5::real as expected_baskets,
    3::real as expected_users,
    1e-5::double precision as p_value,
    1e-4::double precision as q_value,
    true as significant,
    %(day)s::date - 90 as first_seen,
    %(day)s::date - 1 as last_seen,
    0.1::real as trend,
    (1 + i %% 20)::double precision as price,
    (1 + (i + p) %% 20)::double precision as other_price,
    'bought_together' as reason_code,
    'Of 100 baskets with the first, many hold the second too.' as reason_text,
    'made rows' as model_version
from generate_series(0, %(items)s - 1) as i
cross join generate_series(1, 10) as p
