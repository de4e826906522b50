-- Offending rows among the staged counts, none if all is well: what is wrong, and where.
select
    'a count below zero' as problem,
    stage as place
from run_funnel
where value < 0

union all

select
    'other list rows than were counted' as problem,
    stage as place
from run_funnel
where stage = 'list_rows' and value <> (select count(*) from user_recommendations)
