-- Offending rows among the staged realised metrics, none if all is well: what is wrong, and where.
select
    'metric is not a finite number, or no share where it should be one' as problem,
    concat_ws(' / ', published_date, horizon_days, list, slice, slice_value, metric) as place
from realised_metrics
where
    value in ('NaN', 'Infinity', '-Infinity')
    or (value < 0 and metric not like 'revenue@%')
    or (
        value > 1 + 1e-9
        and not metric like any(
            array['revenue@%', 'hits@%', 'category_entropy@%', 'novelty@%', 'effective_sample_size@%']
        )
    )

union all

select
    'interval does not hold the value' as problem,
    concat_ws(' / ', published_date, horizon_days, list, slice, slice_value, metric) as place
from realised_metrics
where value < low - 1e-9 or value > high + 1e-9

union all

select
    'horizon had not ended on the as-of date' as problem,
    concat_ws(' / ', published_date, horizon_days, list, slice, slice_value, metric) as place
from realised_metrics
where published_date + horizon_days > as_of_date
