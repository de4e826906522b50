-- Ten campaigns, each with three audiences of a thirtieth of the users.
select
    %(day)s::date as as_of_date,
    'c' || lpad(c::text, 3, '0') as campaign_id,
    w.way,
    'u' || lpad(((c * 101 + w.start + r * 29) %% %(users)s)::text, 8, '0') as user_id,
    r as rank,
    (0.6 / (1 + 10.0 * r / %(users)s))::real as probability,
    (1 + (r - 1) * 10 / greatest(%(users)s / 30, 1))::integer as decile,
    ((c * 101 + w.start + r * 29) %% %(users)s) %% 10 = 0 as holdout,
    'budget' as sized_by,
    'Campaign ' || c as campaign_name,
    'answered_before' as reason_code,
    1 + r %% 4 as reason_count,
    5 as reason_total,
    'Answered some of the last five campaigns.' as reason_text,
    'made rows' as model_version
from generate_series(1, 10) as c
cross join (values ('response', 0), ('affinity', 7), ('lookalike', 13)) as w (way, start)
cross join generate_series(1, greatest(%(users)s / 30, 1)) as r
