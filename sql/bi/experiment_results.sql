-- One row per published day, horizon, list, experiment, arm and metric: what the arm's users did, beside control.
create or replace view bi.experiment_results as
with arms as (
    select
        m.published_date,
        m.horizon_days,
        m.list,
        m.metric,
        m.value,
        m.low,
        m.high,
        m.users,
        split_part(m.slice_value, '/', 1) as experiment,
        split_part(m.slice_value, '/', 2) as arm
    from bi.realised_metrics as m
    where m.slice = 'arm'
)

select
    a.published_date,
    a.horizon_days,
    a.list,
    a.experiment,
    a.arm,
    a.metric,
    a.value,
    a.low,
    a.high,
    a.users,
    c.value as control_value,
    a.value - c.value as difference,
    -- Of independent arms: the squares of their standard errors add up.
    sqrt(power(a.high - a.value, 2) + power(c.high - c.value, 2)) as difference_margin,
    r.value as sample_ratio_p
from arms as a
left join arms as c
    on
        a.published_date = c.published_date and a.horizon_days = c.horizon_days and a.list = c.list
        and a.experiment = c.experiment and a.metric = c.metric and c.arm = 'control'
left join arms as r
    on
        a.published_date = r.published_date and a.horizon_days = r.horizon_days and a.list = r.list
        and a.experiment = r.experiment and r.metric = 'sample_ratio_p'
where a.arm <> '';

comment on view bi.experiment_results is
'One row per published day, horizon, list, experiment, arm and metric: what the arm''s users did, beside control.';
comment on column bi.experiment_results.published_date is 'As-of date of the published lists that are measured.';
comment on column bi.experiment_results.horizon_days is 'Days from the published date on whose events count.';
comment on column bi.experiment_results.list is 'The list that is measured.';
comment on column bi.experiment_results.metric is 'ndcg@10, hit@10, recall@20 or revenue_share@10.';
comment on column bi.experiment_results.value is 'Mean over the arm''s users.';
comment on column bi.experiment_results.low is 'Lower end of its 95 % interval.';
comment on column bi.experiment_results.high is 'Upper end of its 95 % interval.';
comment on column bi.experiment_results.users is 'Users of the arm who were measured.';
comment on column bi.experiment_results.experiment is 'Name of the experiment.';
comment on column bi.experiment_results.arm is 'The arm.';
comment on column bi.experiment_results.control_value is 'Value of the arm called control; null where there is none.';
comment on column bi.experiment_results.difference is 'Value less that of control.';
comment on column bi.experiment_results.difference_margin is
'Half the width of the 95 % interval of the difference.';
comment on column bi.experiment_results.sample_ratio_p is
'Chance that the arms hold so uneven shares by accident; below 0.001 they cannot be compared.';
