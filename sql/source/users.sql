-- users: one row per user, as it stood just before as_of.
--
-- To plug in a shop: keep the column names. attributes is a JSON object of further texts and numbers, as text.
-- consent says whether the user agreed to personal recommendations; null counts as no.
-- A shop that overwrites its rows drops the where clause, selects null::timestamptz as valid_from and valid_to, and
-- adds current_date as snapshot_date, so that the run can say that the row tells of a later day.
-- A column that the shop lacks stays in the list as null. Delete this file if the shop has no such table.
-- Parameters: as_of (instant), as_of_date.
select
    user_id,
    signed_up_at,
    segment,
    attributes,
    consent,
    valid_from,
    valid_to
from shop.users
where
    (valid_from is null or valid_from < %(as_of)s)
    and (valid_to is null or valid_to >= %(as_of)s)
