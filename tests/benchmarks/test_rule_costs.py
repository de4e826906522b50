import math

import polars as pl
import pytest

from benchmarks.rule_costs import ndcg, rule_costs
from recsys.recommendations.lists import SCORED
from recsys.settings.lists import RulesSettings

TRUTH = pl.DataFrame({"user_id": ["u", "u", "v"], "item_id": ["a", "c", "a"]})


def test_ndcg_of_lists_worked_out_by_hand() -> None:
    lists = pl.DataFrame({"user_id": ["u"] * 3, "item_id": ["a", "b", "c"], "rank": [1, 2, 3]})
    of_u = (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert ndcg(lists, TRUTH) == pytest.approx((of_u + 0) / 2)
    assert ndcg(lists.filter(pl.col("rank") < 2), TRUTH.head(1)) == 1.0
    assert ndcg(lists, TRUTH.clear()) == 0.0


def test_only_the_rule_that_takes_hits_away_costs_anything() -> None:
    scored = pl.DataFrame(
        [
            {"user_id": "v", "item_id": "a", "score": 2.0},
            {"user_id": "v", "item_id": "b", "score": 1.0},
            {"user_id": "v", "item_id": "c", "score": 0.5, "last_purchase_days": 1.0, "usual_gap_days": 50.0},
        ],
        schema=SCORED,
    )
    blocked = pl.DataFrame({"item_id": ["a", "b"], "rule": ["out_of_stock", "retired"]})
    items = pl.DataFrame({"item_id": ["a", "b", "c"], "category_path": ["x", "y", "z"]})
    mine = TRUTH.filter(pl.col("user_id") == "v")
    cover = pl.DataFrame({"item_id": ["a", "b"], "push": [-1.0, 1.0]})
    costs = rule_costs(scored, mine, blocked, items, cover, RulesSettings())
    assert dict(costs.select("rule", "cost").rows()) == {
        "none": 0.0,
        "retired": 0.0,
        "out_of_stock": 1.0,
        "bought_lately": 0.0,
        "category_limit": 0.0,
        "stock_exposure": 0.0,
        "all": 1.0,
    }
    pushed = rule_costs(scored, mine, blocked, items, cover, RulesSettings(stock_exposure=1.0))
    assert dict(pushed.select("rule", "ndcg@10").rows())["stock_exposure"] == pytest.approx(1 / math.log2(3))
