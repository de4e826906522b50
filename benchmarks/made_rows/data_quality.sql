-- Checks of the tables of the contract, and of what changed; one in twenty warns.
select
    %(day)s::date as as_of_date,
    (array['events', 'items', 'users', 'stock', 'user_recommendations'])[1 + c %% 5] as table_name,
    case
        when c %% 5 < 4 then 'check ' || c
        else (array['list_overlap', 'item_churn', 'score_drift', 'feature_drift'])[1 + c / 5 %% 4]
    end as check_name,
    'part ' || c as subject,
    'warn' as severity,
    0.9 + c %% 10 / 100.0 as value,
    0.5 as threshold,
    c %% 20 <> 0 as passed,
    'Found about what was to be expected.' as message
from generate_series(0, 79) as c
