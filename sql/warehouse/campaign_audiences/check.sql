-- Offending rows among the staged audiences, none if all is well: what is wrong, and where.
with audiences as (
    select
        campaign_id,
        way,
        count(*) as users,
        max(rank) as last_rank,
        count(distinct rank) as ranks
    from campaign_audiences
    group by campaign_id, way
),

ordered as (
    select
        campaign_id,
        way,
        user_id,
        probability,
        lag(probability) over (partition by campaign_id, way order by rank) as before
    from campaign_audiences
)

select
    'ranks do not run from 1 without gaps' as problem,
    concat_ws(' / ', campaign_id, way) as place
from audiences
where last_rank <> users or ranks <> users

union all

select
    'probability rises with the rank' as problem,
    concat_ws(' / ', campaign_id, way, user_id) as place
from ordered
where probability > before

union all

select
    'probability is not between 0 and 1' as problem,
    concat_ws(' / ', campaign_id, way, user_id) as place
from campaign_audiences
where probability = 'NaN' or probability < 0 or probability > 1

union all

select
    'unknown way, or decile outside 1 to 10' as problem,
    concat_ws(' / ', campaign_id, way, user_id) as place
from campaign_audiences
where way not in ('response', 'affinity', 'lookalike') or decile not between 1 and 10

union all

select
    'a user is kept apart one way and not the other' as problem,
    concat_ws(' / ', campaign_id, user_id) as place
from campaign_audiences
group by campaign_id, user_id
having bool_or(holdout) <> bool_and(holdout)

union all

select
    'empty reason' as problem,
    concat_ws(' / ', campaign_id, way, user_id) as place
from campaign_audiences
where reason_code = '' or btrim(reason_text) = ''
