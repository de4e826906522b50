-- One row per day that a run has claimed: two runs never build the same day at once.
create table if not exists recsys.run_claims (
    as_of_date date primary key,
    run_id text not null,
    claimed_at timestamp with time zone not null default now(),
    last_seen timestamp with time zone not null default now(),
    released_at timestamp with time zone
);

comment on table recsys.run_claims is 'One row per day that a run has claimed.';
comment on column recsys.run_claims.as_of_date is 'The day being built.';
comment on column recsys.run_claims.run_id is 'Run that holds the day, or held it last.';
comment on column recsys.run_claims.claimed_at is 'When the run took the day.';
comment on column recsys.run_claims.last_seen is 'When the run last said that it is alive.';
comment on column recsys.run_claims.released_at is 'When the run gave the day back; null while it holds it.';
