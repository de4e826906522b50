-- Offending rows among the staged lists of bundles, none if all is well: what is wrong, and where.
with lists as (
    select
        user_id,
        count(*) as places,
        count(distinct bundle_id) as bundles,
        max(rank) as last_rank
    from user_bundles
    group by user_id
)

select
    'ranks do not run from 1 without gaps' as problem,
    user_id as place
from lists
where last_rank <> places

union all

select
    'a bundle stands twice in one list' as problem,
    user_id as place
from lists
where bundles <> places

union all

select
    'a bundle that is not there' as problem,
    concat_ws(' / ', ub.user_id, ub.bundle_id) as place
from user_bundles as ub
where not exists (select from bundles as b where b.bundle_id = ub.bundle_id)

union all

select
    'score is not a finite number' as problem,
    concat_ws(' / ', user_id, bundle_id) as place
from user_bundles
where score in ('NaN', 'Infinity', '-Infinity')

union all

select
    'empty reason' as problem,
    concat_ws(' / ', user_id, bundle_id) as place
from user_bundles
where reason_code = '' or btrim(reason_text) = ''
