-- Offending rows among the staged rejections, none if all is well: what is wrong, and where.
select
    'rejected without a reason' as problem,
    concat_ws(' / ', table_name, row_key) as place
from rejected_rows
where btrim(reason) = ''
