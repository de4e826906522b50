-- What came of the lists of 1, 7 and 28 days ago, by slice; and how varied today's are.
select
    %(day)s::date as as_of_date,
    %(day)s::date - h as published_date,
    h as horizon_days,
    l.list,
    s.slice,
    s.slice_value,
    m.metric,
    0.2 + extract(day from %(day)s::date)::integer %% 7 * 0.01 + h * 0.005 as value,
    case when m.metric <> 'revenue@10' then 0.15 end as low,
    case when m.metric <> 'revenue@10' then 0.6 end as high,
    40000 as users,
    'made rows' as model_version
from (values (0), (1), (7), (28)) as t (h)
cross join (values ('for_you'), ('discover'), ('buy_again')) as l (list)
cross join (
    values
    ('all', ''), ('warmth', 'warm'), ('warmth', 'cold'), ('segment', 'segment 01'), ('segment', 'segment 02'),
    ('generator', 'als'), ('generator', 'buy_again'), ('generator', 'item_knn'), ('generator', 'trending')
) as s (slice, slice_value)
cross join (
    values
    ('ndcg@10', 1), ('hit@10', 1), ('recall@20', 1), ('revenue@10', 1), ('precision@10', 1),
    ('intra_list_distance@10', 0), ('coverage@10', 0), ('novelty@10', 0)
) as m (metric, later)
where (h > 0) = (m.later = 1) and (h > 0 or s.slice = 'all')
