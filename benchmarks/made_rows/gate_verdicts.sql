-- A dozen checks and the verdict.
select
    %(day)s::date as as_of_date,
    case when c = 0 then 'verdict' else 'check ' || c end as check_name,
    case when c = 0 then '' else (array['all', 'repeat', 'discover'])[1 + c %% 3] end as setting,
    'stop' as severity,
    true as passed,
    0.01 as value,
    0.0 as low,
    0.02 as high,
    -0.004 as threshold,
    %(day)s::date - 1 as champion_date,
    %(day)s::date as models_of,
    'The new models are level with those of before.' as message,
    'made rows' as model_version
from generate_series(0, 12) as c
