-- One row per published day, horizon, list, slice and metric: what users did with what they were shown.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.realised_metrics (
    as_of_date date not null,
    published_date date not null,
    horizon_days integer not null,
    list text collate "C" not null,
    slice text collate "C" not null,
    slice_value text collate "C" not null,
    metric text collate "C" not null,
    value double precision not null,
    low double precision,
    high double precision,
    users integer not null,
    model_version text,
    primary key (as_of_date, published_date, horizon_days, list, slice, slice_value, metric)
) partition by list (as_of_date);

comment on table recsys.realised_metrics is
'One row per published day, horizon, list, slice and metric: what users did with what they were shown.';
comment on column recsys.realised_metrics.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.realised_metrics.published_date is 'As-of date of the published lists that are measured.';
comment on column recsys.realised_metrics.horizon_days is
'Days whose events count, from 00:00 of the published date, so some before the lists appeared; 0: the lists alone.';
comment on column recsys.realised_metrics.list is 'The list that is measured.';
comment on column recsys.realised_metrics.slice is
'all, segment, warmth (cold: only fallbacks were shown), generator, slot or arm.';
comment on column recsys.realised_metrics.slice_value is
'Which segment, warm or cold, which generator, explored or ranked, experiment/arm; '''' for all.';
comment on column recsys.realised_metrics.metric is
'ndcg@10, hit@10, recall@20, revenue_share@10: means; revenue@10, hits@10: sums; precision@10. '
'Of revenue nothing where no price is known. '
'Slots: also uniform_precision@20 (had each explored item been as likely), effective_sample_size@20. '
'Arms: also sample_ratio_p. Of horizon 0: intra_list_distance@10, category_entropy@10 and novelty@10 '
'(bits), coverage@10, gini@10.';
comment on column recsys.realised_metrics.value is 'The metric''s value.';
comment on column recsys.realised_metrics.low is 'Lower end of the 95 % bootstrap interval.';
comment on column recsys.realised_metrics.high is 'Upper end of the 95 % bootstrap interval.';
comment on column recsys.realised_metrics.users is
'Users measured: with the list, and active within the horizon; of horizon 0, all with it.';
comment on column recsys.realised_metrics.model_version is 'Hash that names the models and settings behind the lists.';
