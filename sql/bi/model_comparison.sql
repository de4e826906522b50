-- One row per day, setting and baseline: the ranker beside the baseline on the same users, with the gain's interval.
create or replace view bi.model_comparison as
select
    gain.as_of_date,
    gain.setting,
    base.model as baseline,
    own.value as ranker_ndcg,
    own.low as ranker_low,
    own.high as ranker_high,
    base.value as baseline_ndcg,
    gain.value as gain,
    gain.low as gain_low,
    gain.high as gain_high,
    gain.users,
    gain.holdout_from,
    gain.holdout_to,
    gain.as_of_date = (select c.as_of_date from recsys.current_run as c) as is_current
from recsys.offline_metrics as gain
inner join recsys.offline_metrics as own
    on
        gain.as_of_date = own.as_of_date
        and gain.model = own.model
        and gain.setting = own.setting
        and own.metric = 'ndcg@10'
inner join recsys.offline_metrics as base
    on
        gain.as_of_date = base.as_of_date
        and gain.setting = base.setting
        and base.metric = 'ndcg@10'
        and gain.metric = 'ndcg@10 above ' || base.model
where gain.model = 'ranker';

comment on view bi.model_comparison is 'One row per day, setting and baseline: the ranker beside the baseline.';
comment on column bi.model_comparison.as_of_date is 'The day of the run that measured.';
comment on column bi.model_comparison.setting is
'all, repeat (bought before) or discover (never bought before).';
comment on column bi.model_comparison.baseline is 'Simple order that the ranker must beat.';
comment on column bi.model_comparison.ranker_ndcg is 'ndcg@10 of the ranker: 1 is a perfect order, mean over users.';
comment on column bi.model_comparison.ranker_low is 'Lower end of its 95 % interval.';
comment on column bi.model_comparison.ranker_high is 'Upper end of its 95 % interval.';
comment on column bi.model_comparison.baseline_ndcg is 'ndcg@10 of the baseline.';
comment on column bi.model_comparison.gain is 'Ranker less baseline, paired by user.';
comment on column bi.model_comparison.gain_low is 'Lower end of its 95 % interval; above 0: surely better.';
comment on column bi.model_comparison.gain_high is 'Upper end of its 95 % interval.';
comment on column bi.model_comparison.users is 'Users measured.';
comment on column bi.model_comparison.holdout_from is 'First day of the holdout.';
comment on column bi.model_comparison.holdout_to is 'Day after the last day of the holdout.';
comment on column bi.model_comparison.is_current is 'Whether the views current_* show this day.';
