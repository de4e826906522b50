-- Offending rows among the staged findings, none if all is well: what is wrong, and where.
select
    'unknown severity' as problem,
    concat_ws(' / ', table_name, check_name, subject) as place
from data_quality
where severity not in ('stop', 'warn', 'info')

union all

select
    'the input failed a check that stops the run: ' || message as problem,
    concat_ws(' / ', table_name, check_name, subject) as place
from data_quality
where severity = 'stop' and not passed
