-- Offending rows among the staged verdicts, none if all is well: what is wrong, and where.
select
    'unknown severity' as problem,
    concat_ws(' / ', check_name, setting) as place
from gate_verdicts
where severity not in ('stop', 'warn', 'info')

union all

select
    'interval does not hold the value' as problem,
    concat_ws(' / ', check_name, setting) as place
from gate_verdicts
where value < low - 1e-9 or value > high + 1e-9

union all

select
    'failed models serve though a champion is there and nobody accepted it' as problem,
    concat_ws(' / ', check_name, setting) as place
from gate_verdicts
where
    check_name = 'verdict'
    and not passed
    and models_of = as_of_date
    and champion_date is not null
    and accepted_by is null
