-- Offending rows among the staged demands of stores, none if all is well: what is wrong, and where.
select
    'a demand that is negative or no finite number' as problem,
    concat_ws(' / ', item_id, store_id) as place
from store_demand
where
    least(daily_demand, horizon_demand, horizon_q10, horizon_q50, horizon_q90) < 0
    or greatest(daily_demand, horizon_demand, horizon_q10, horizon_q50, horizon_q90) in ('NaN', 'Infinity')

union all

select
    'quantiles that cross' as problem,
    concat_ws(' / ', item_id, store_id) as place
from store_demand
where horizon_q10 > horizon_q50 or horizon_q50 > horizon_q90

union all

select
    'shares of an item that are more than the whole' as problem,
    item_id as place
from store_demand
group by item_id
having not (min(share) >= 0 and sum(share) < 1.000001)
