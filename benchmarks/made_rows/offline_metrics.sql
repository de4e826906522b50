-- Nine models, three settings: ndcg@10, recall@20, and what the ranker gains.
select
    %(day)s::date as as_of_date,
    m.model,
    s.setting,
    t.metric,
    m.level * s.ease as value,
    m.level * s.ease - 0.01 as low,
    m.level * s.ease + 0.01 as high,
    50000 as users,
    %(day)s::date - 28 as holdout_from,
    %(day)s::date as holdout_to,
    'made rows' as model_version
from (
    values
    ('ranker', 0.44), ('decayed_frequency', 0.41), ('popularity', 0.12), ('als', 0.2), ('item_knn', 0.22),
    ('buy_again', 0.4), ('bought_together', 0.18), ('trending', 0.14), ('category_popularity', 0.16)
) as m (model, level)
cross join (values ('all', 1.0), ('repeat', 1.1), ('discover', 0.15)) as s (setting, ease)
cross join (
    values
    ('ndcg@10'), ('recall@20'), ('hit@10'), ('ndcg@10 above popularity'), ('ndcg@10 above decayed_frequency')
) as t (metric)
where m.model = 'ranker' or t.metric not like '%%above%%'
