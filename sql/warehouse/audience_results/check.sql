-- Offending rows among the staged results of campaigns, none if all is well: what is wrong, and where.
select
    'more responders or buyers than users' as problem,
    concat_ws(' / ', campaign_id, way, user_group) as place
from audience_results
where responders > users or buyers > users or users < 1

union all

select
    'interval does not hold the difference' as problem,
    concat_ws(' / ', campaign_id, way, user_group) as place
from audience_results
where above_holdout < above_holdout_low - 1e-9 or above_holdout > above_holdout_high + 1e-9

union all

select
    'a campaign that is not over, or an audience from after its end' as problem,
    concat_ws(' / ', campaign_id, way, user_group) as place
from audience_results
where ends_on >= as_of_date or audience_date > ends_on

union all

select
    'a rate is not a finite number' as problem,
    concat_ws(' / ', campaign_id, way, user_group) as place
from audience_results
where
    response_rate in ('NaN', 'Infinity', '-Infinity')
    or revenue in ('NaN', 'Infinity', '-Infinity')
    or predicted in ('NaN', 'Infinity', '-Infinity')
