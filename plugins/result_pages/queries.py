"""What the pages ask the views of schema bi; every question about one user or item is answered by an index."""

from __future__ import annotations

DAYS = "select as_of_date, is_current, tables, rows, run_id, published_at from bi.published_days limit 400"

TABLES = """
select r.table_name, r.rows, r.checksum, r.model_version, b.rows as rows_before
from bi.published_runs as r
left join bi.published_runs as b on b.table_name = r.table_name and b.as_of_date = %(before)s
where r.as_of_date = %(day)s
order by r.table_name
"""
FUNNEL = "select stage, value, meaning from bi.run_funnel where as_of_date = %(day)s order by place"
COMPARISON = """
select setting, baseline, ranker_ndcg, baseline_ndcg, gain, gain_low, gain_high, users, holdout_from, holdout_to
from bi.model_comparison where as_of_date = %(day)s order by setting, baseline
"""
MODELS = """
select setting, model, value, low, high, users
from bi.offline_metrics where as_of_date = %(day)s and metric = 'ndcg@10' order by setting, value desc, model
"""
QUALITY_BY_DAY = """
select as_of_date, setting, value from bi.offline_metrics
where model = 'ranker' and metric = 'ndcg@10' and as_of_date <= %(day)s and as_of_date > %(day)s - 60
order by setting, as_of_date
"""
WARNINGS = """
select table_name, check_name, subject, severity, message
from bi.data_quality where as_of_date = %(day)s and not passed and check_name <> all(%(of_change)s)
order by severity, table_name, check_name, subject
limit 50
"""
GATE = """
select severity, passed, message, accepted_by, accepted_why
from bi.gate_verdicts where as_of_date = %(day)s
order by check_name <> 'verdict', passed, severity <> 'stop', check_name, setting
limit 60
"""
STABILITY = """
select passed, message from bi.data_quality
where as_of_date = %(day)s and check_name = any(%(of_change)s)
order by check_name, subject limit 40
"""
REFUSED = """
select table_name, reason, count(*) as rows from bi.rejected_rows
where as_of_date = %(day)s group by table_name, reason order by rows desc, table_name, reason limit 20
"""

USERS_FROM = """
select user_id, item_title, reason_text from bi.user_recommendations
where as_of_date = %(day)s and user_id >= %(first)s and list = 'for_you' and rank = 1
order by user_id limit %(limit)s
"""
LISTS = """
select list, rank, item_id, item_title, item_category, score, generator, anchor_item_id, anchor_title, fallback,
    reason_text, reason_code, top_features, model_version
from bi.user_recommendations where as_of_date = %(day)s and user_id = %(user_id)s order by list, rank
"""
HISTORY = """
select rank, item_id, item_title, item_category, events, weight, last_on
from bi.user_history where as_of_date = %(day)s and user_id = %(user_id)s order by rank
"""
BUNDLES_OF_USER = """
select rank, bundle_id, bundle_name, bundle_price, score, new_items, reason_text
from bi.user_bundles where as_of_date = %(day)s and user_id = %(user_id)s order by rank
"""
PLACES_OF_ITEM = """
select list, rank from bi.user_recommendations
where as_of_date = %(day)s and user_id = %(user_id)s and item_id = %(item_id)s order by list
"""
HISTORY_OF_ITEM = """
select events, last_on from bi.user_history
where as_of_date = %(day)s and user_id = %(user_id)s and item_id = %(item_id)s
"""

ITEM = "select * from bi.item_details where as_of_date = %(day)s and item_id = %(item_id)s"
TITLES = """
select item_id, title, image_url from bi.item_details where as_of_date = %(day)s and item_id = any(%(items)s)
"""
SEARCH = """
select item_id, title, category_path, list_price, users, held_back from bi.item_details
where as_of_date = %(day)s and (item_id = %(text)s or strpos(lower(title), lower(%(text)s)) > 0)
order by users desc, item_id desc limit %(limit)s offset %(offset)s
"""
PAIRS = """
select other_item_id, other_title, other_category, relation, evidence, rank, rank_distinct, score, baskets, users,
    lift, q_value, trend, reason_text
from bi.item_pairs where as_of_date = %(day)s and item_id = %(item_id)s
order by rank nulls last, rank_distinct nulls last, other_item_id limit 60
"""
BUNDLES_OF_ITEM = """
select b.bundle_id, b.name, b.rank, b.lift, b.users, b.suggested_price, b.item_titles
from bi.bundle_items as m
inner join bi.bundles as b on b.as_of_date = m.as_of_date and b.bundle_id = m.bundle_id
where m.as_of_date = %(day)s and m.item_id = %(item_id)s order by b.rank limit 20
"""

BUNDLES = """
select bundle_id, rank, name, size, lift, users, baskets, list_price, suggested_discount, suggested_price, forced,
    reason_text
from bi.bundles where as_of_date = %(day)s
"""
BUNDLES_BY_ID = BUNDLES + " and bundle_id = %(bundle_id)s"
_PAGE = " limit %(limit)s offset %(offset)s"
BUNDLES_BY = {
    "rank": BUNDLES + " order by rank" + _PAGE,
    "lift": BUNDLES + " order by lift desc, bundle_id" + _PAGE,
    "users": BUNDLES + " order by users desc, bundle_id" + _PAGE,
    "price": BUNDLES + " order by suggested_price desc nulls last, bundle_id" + _PAGE,
}
MEMBERS = """
select m.bundle_id, m.item_id, m.item_title, m.list_price, i.image_url
from bi.bundle_items as m
left join bi.item_details as i on i.as_of_date = m.as_of_date and i.item_id = m.item_id
where m.as_of_date = %(day)s and m.bundle_id = any(%(bundles)s) order by m.bundle_id, m.position
"""
