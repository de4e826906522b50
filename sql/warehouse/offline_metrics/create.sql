-- One row per model, setting and metric, measured on the run's own holdout.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.offline_metrics (
    as_of_date date not null,
    model text collate "C" not null,
    setting text collate "C" not null,
    metric text collate "C" not null,
    value double precision not null,
    low double precision,
    high double precision,
    users integer not null,
    holdout_from date not null,
    holdout_to date not null,
    model_version text not null,
    primary key (as_of_date, model, setting, metric)
) partition by list (as_of_date);

comment on table recsys.offline_metrics is 'One row per model, setting and metric, measured on the run''s own holdout.';
comment on column recsys.offline_metrics.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.offline_metrics.model is
'Ranker (the order without one where none was measured), generator or baseline.';
comment on column recsys.offline_metrics.setting is 'all, repeat (bought before) or discover (never bought before).';
comment on column recsys.offline_metrics.metric is 'Name of the metric with its cut-off, such as ndcg@10.';
comment on column recsys.offline_metrics.value is 'Mean over users.';
comment on column recsys.offline_metrics.low is 'Lower end of the 95 % bootstrap interval.';
comment on column recsys.offline_metrics.high is 'Upper end of the 95 % bootstrap interval.';
comment on column recsys.offline_metrics.users is 'Users measured.';
comment on column recsys.offline_metrics.holdout_from is 'First day of the holdout.';
comment on column recsys.offline_metrics.holdout_to is 'Day after the last day of the holdout.';
comment on column recsys.offline_metrics.model_version is 'Hash that names the models and settings measured.';
