-- Thirty campaigns that are over, by way and group.
select
    %(day)s::date as as_of_date,
    'c' || lpad((900 + c)::text, 3, '0') as campaign_id,
    w.way,
    g.user_group,
    'Campaign ' || c as campaign_name,
    %(day)s::date - c * 10 - 20 as starts_on,
    %(day)s::date - c * 10 as ends_on,
    case when w.way <> 'any' then %(day)s::date - c * 10 - 21 end as audience_date,
    10000 as users,
    case when w.way <> 'any' then 0.12 end as predicted,
    900 + c * 10 as responders,
    (900 + c * 10) / 10000.0::double precision as response_rate,
    1500 as buyers,
    (0.15 + g.above)::double precision as buyer_rate,
    (25000 + c * 100)::double precision as revenue,
    (2.5 + c / 100.0)::double precision as revenue_per_user,
    case when g.user_group = 'contacted' then 0.02 end as above_holdout,
    case when g.user_group = 'contacted' then 0.01 end as above_holdout_low,
    case when g.user_group = 'contacted' then 0.03 end as above_holdout_high,
    'measured' as reason_code,
    'Contacted bought more often than those kept apart.' as reason_text,
    'made rows' as model_version
from generate_series(1, 30) as c
cross join (values ('any'), ('response'), ('affinity')) as w (way)
cross join (values ('contacted', 0.02), ('holdout', 0.0), ('not_contacted', 0.0)) as g (user_group, above)
