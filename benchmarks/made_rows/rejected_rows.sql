-- 20,000 refused rows of ten reasons.
select
    %(day)s::date as as_of_date,
    case when n %% 4 = 0 then 'items' else 'events' end as table_name,
    'row ' || n as row_key,
    'reason ' || n %% 10 as reason,
    %(day)s::date - 1 as day,
    '{"event_id": "' || n || '", "quantity": -1}' as row_text
from generate_series(1, 20000) as n
