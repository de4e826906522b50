-- One row per check of the gate, and one, verdict, for all of them.
-- Every published day.
create or replace view bi.gate_verdicts as
select
    r.as_of_date,
    r.check_name,
    r.setting,
    r.severity,
    r.passed,
    r.value,
    r.low,
    r.high,
    r.threshold,
    r.champion_date,
    r.models_of,
    r.accepted_by,
    r.accepted_why,
    r.message,
    r.model_version
from recsys.gate_verdicts as r;

-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_gate_verdicts as
select r.*
from bi.gate_verdicts as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);
