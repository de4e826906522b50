-- One row per check of the gate, and one, verdict, for all of them.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.gate_verdicts (
    as_of_date date not null,
    check_name text collate "C" not null,
    setting text collate "C" not null,
    severity text not null,
    passed boolean not null,
    value double precision,
    low double precision,
    high double precision,
    threshold double precision,
    champion_date date,
    models_of date not null,
    accepted_by text,
    accepted_why text,
    message text not null,
    model_version text not null,
    primary key (as_of_date, check_name, setting)
) partition by list (as_of_date);

comment on table recsys.gate_verdicts is 'One row per check of the gate, and one, verdict, for all of them.';
comment on column recsys.gate_verdicts.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.gate_verdicts.check_name is 'What was compared with what; verdict: all checks together.';
comment on column recsys.gate_verdicts.setting is
'all, repeat, discover, or the list; '''' where the check knows no parts.';
comment on column recsys.gate_verdicts.severity is 'stop (failing it keeps the new models from serving), warn or info.';
comment on column recsys.gate_verdicts.passed is 'Whether the check holds.';
comment on column recsys.gate_verdicts.value is 'What was found: mostly the new models'' ndcg@10 less the other''s.';
comment on column recsys.gate_verdicts.low is 'Lower end of the paired 95 % bootstrap interval.';
comment on column recsys.gate_verdicts.high is 'Upper end of that interval.';
comment on column recsys.gate_verdicts.threshold is 'From where on the check fails.';
comment on column recsys.gate_verdicts.champion_date is 'As-of date of the champion; null: there is none.';
comment on column recsys.gate_verdicts.models_of is 'As-of date of the models that serve this day.';
comment on column recsys.gate_verdicts.accepted_by is 'Who let failed checks pass.';
comment on column recsys.gate_verdicts.accepted_why is 'Why they did.';
comment on column recsys.gate_verdicts.message is 'The finding as a sentence.';
comment on column recsys.gate_verdicts.model_version is 'Hash that names the models and settings that were judged.';
