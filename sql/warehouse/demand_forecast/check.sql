-- Offending rows among the staged forecasts, none if all is well: what is wrong, and where.
select
    'a forecast that is negative or no finite number' as problem,
    concat_ws(' / ', item_id, forecast_date) as place
from demand_forecast
where
    least(mean, q10, q50, q90, total_mean, total_q10, total_q50, total_q90, published_demand) < 0
    or greatest(mean, q10, q50, q90, total_mean, total_q10, total_q50, total_q90, published_demand)
    in ('NaN', 'Infinity')

union all

select
    'quantiles that cross' as problem,
    concat_ws(' / ', item_id, forecast_date) as place
from demand_forecast
where q10 > q50 or q50 > q90 or total_q10 > total_q50 or total_q50 > total_q90

union all

select
    'a day before the as-of date' as problem,
    concat_ws(' / ', item_id, forecast_date) as place
from demand_forecast
where forecast_date < as_of_date

union all

select
    'an item without the same days as the others' as problem,
    item_id as place
from demand_forecast
group by item_id
having count(*) <> (select count(distinct d.forecast_date) from demand_forecast as d)
