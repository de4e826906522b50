-- Thirty rows a user: 15 for_you, 10 discover, 5 buy_again.
select
    %(day)s::date as as_of_date,
    l.list,
    'u' || lpad(u::text, 8, '0') as user_id,
    r as rank,
    'i' || lpad(((u::bigint * 7919 + r * 997 + l.start) %% %(items)s)::text, 7, '0') as item_id,
    (1.0 / r)::real as score,
    (array['als', 'item_knn', 'buy_again', 'bought_together', 'trending', 'popular'])[1 + (u + r) %% 6] as generator,
    'i' || lpad(((u * 31 + r * 17) %% %(items)s)::text, 7, '0') as anchor_item_id,
    case when l.list = 'buy_again' then 3 + u %% 9 end as purchases,
    case when l.list = 'buy_again' then 2 + u %% 60 end as last_purchase_days,
    case when l.list = 'buy_again' then 7 + u %% 30 end as usual_gap_days,
    case when u %% 20 = 0 then 'segment' end as fallback,
    (array['bought_together', 'like_bought', 'bought_before', 'rising'])[1 + (u + r) %% 4] as reason_code,
    'Goes with what you bought ' || 2 + u %% 60 || ' days ago, as it does for many others.' as reason_text,
    case when r <= 5 then 'own purchases +0.41, price -0.12, category +0.08' end as top_features,
    case when l.list = 'buy_again' then (0.5 / r)::real end as probability,
    case when l.list = 'buy_again' then %(day)s::date + u %% 14 end as due_date,
    case when l.list = 'buy_again' then u %% 5 = 0 end as overdue,
    'made rows' as model_version
from generate_series(0, %(users)s - 1) as u
cross join (values ('for_you', 15, 0), ('discover', 10, 31), ('buy_again', 5, 67)) as l (list, size, start)
cross join generate_series(1, l.size) as r
