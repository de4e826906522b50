-- The stages of a run of this size.
select
    %(day)s::date as as_of_date,
    f.place,
    f.stage,
    f.value,
    f.meaning
from (
    values
    (1, 'events', 25 * %(users)s::bigint, 'events in use'),
    (2, 'rejected_rows', 20000, 'refused rows'),
    (3, 'users', %(users)s, 'users with an event'),
    (4, 'items', %(items)s, 'items on sale'),
    (5, 'candidates', 300 * %(users)s::bigint, 'candidates of all generators'),
    (6, 'list_rows', 30 * %(users)s::bigint, 'rows of all lists')
) as f (place, stage, value, meaning)
