-- Offending rows among the staged assignments, none if all is well: what is wrong, and where.
select
    'share is not between 0 and 1' as problem,
    concat_ws(' / ', experiment, user_id) as place
from experiment_assignments
where share <= 0 or share > 1 or share = 'NaN'

union all

select
    'an arm with two shares' as problem,
    concat_ws(' / ', experiment, arm) as place
from experiment_assignments
group by experiment, arm
having count(distinct share) > 1
