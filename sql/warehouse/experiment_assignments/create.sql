-- One row per running experiment and user who takes part.
-- One partition a day; publishing attaches it whole, retention drops it whole.
create table if not exists recsys.experiment_assignments (
    as_of_date date not null,
    experiment text collate "C" not null,
    user_id text collate "C" not null,
    bucket integer not null,
    arm text not null,
    share real not null,
    primary key (as_of_date, experiment, user_id)
) partition by list (as_of_date);

comment on table recsys.experiment_assignments is 'One row per running experiment and user who takes part.';
comment on column recsys.experiment_assignments.as_of_date is
'The day the row is for: everything before its 00:00 was known, nothing later.';
comment on column recsys.experiment_assignments.experiment is 'Name of the experiment.';
comment on column recsys.experiment_assignments.user_id is 'Who takes part.';
comment on column recsys.experiment_assignments.bucket is
'Bucket of the user, from 0: a hash of the experiment''s name and the user''s id.';
comment on column recsys.experiment_assignments.arm is
'The user''s arm; control is what the others are compared with.';
comment on column recsys.experiment_assignments.share is 'Share of all users that the arm should hold.';
