-- Offending rows among the staged metrics, none if all is well: what is wrong, and where.
select
    'metric is not a finite number' as problem,
    concat_ws(' / ', model, setting, metric) as place
from offline_metrics
where value in ('NaN', 'Infinity', '-Infinity')

union all

select
    'interval does not hold the value' as problem,
    concat_ws(' / ', model, setting, metric) as place
from offline_metrics
where value < low - 1e-9 or value > high + 1e-9

union all

select
    'holdout ends before it begins, or after the as-of date' as problem,
    concat_ws(' / ', model, setting, metric) as place
from offline_metrics
where holdout_from >= holdout_to or holdout_to > as_of_date
