-- One row per anchor item and partner item, in the direction anchor -> partner.
-- The rows that readers should use: those of the current run, and of no other.
create or replace view bi.current_item_pairs as
select
    r.as_of_date,
    r.item_id,
    r.other_item_id,
    r.relation,
    r.evidence,
    r.rank,
    r.rank_distinct,
    r.score,
    r.baskets,
    r.users,
    r.confidence,
    r.lift,
    r.expected_baskets,
    r.expected_users,
    r.p_value,
    r.q_value,
    r.significant,
    r.first_seen,
    r.last_seen,
    r.trend,
    r.price,
    r.other_price,
    r.reason_code,
    r.reason_text,
    r.model_version
from recsys.item_pairs as r
where r.as_of_date = (select c.as_of_date from recsys.current_run as c);

-- Every published day.
create or replace view bi.item_pairs as
select
    r.as_of_date,
    r.item_id,
    r.other_item_id,
    r.relation,
    r.evidence,
    r.rank,
    r.rank_distinct,
    r.score,
    r.baskets,
    r.users,
    r.confidence,
    r.lift,
    r.expected_baskets,
    r.expected_users,
    r.p_value,
    r.q_value,
    r.significant,
    r.first_seen,
    r.last_seen,
    r.trend,
    r.price,
    r.other_price,
    r.reason_code,
    r.reason_text,
    r.model_version
from recsys.item_pairs as r;
