"""How likely a user is to buy an item again within some days, from the rhythm of the user and of the item.

R. Bhagat, S. Muralidharan, A. Lobzhanidze and S. Vishwanath, "Buy It Again: Modeling Repeat Purchase Recommendations",
KDD 2018 (doi 10.1145/3219819.3219891): a user's purchases of an item are a Poisson process whose rate has a gamma
prior of the item. With k repeats, `first` and `last` days since the oldest and the newest purchase, shape a, scale b:

    plain     rate = (k + a) / (first + b)
    modified  rate = (k + a) / (first - last + wait + b)

where `wait` is twice the distance from the expected gap while `last` is below two gaps, and `last` from then on: the
rate is low right after a purchase, highest when the next one is due, and fades for who stopped.
Both rates give the chance of a purchase within h days, 1 - (1 + h / denominator) ** -(k + a). Neither knows that
habits change; so their log odds go, with how lately and how often the user buys this and anything, into a ridge
logistic regression fitted on the newest h days before the day: Platt scaling with more than one input. Days of a great
sale and closed ones are no such days.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.history import History
from recsys.features.purchases import decayed, mean_gap, younger
from recsys.features.view_files import scan_view
from recsys.models import registry
from recsys.models.cuts import draw_users
from recsys.models.generator import Arrays
from recsys.models.logistic import Floats, Logistic, fit_logistic, sigmoid
from recsys.run import RunContext
from recsys.settings.repeat import RepeatSettings

PAIR_FACTS = ("ui_days", "ui_last", "ui_first", "ui_decayed_30", "ui_decayed_90")
USER_FACTS = ("u_trips", "u_last", "u_first", "u_trips_28", "u_decayed_30", "u_decayed_90")
"""Columns of the views of pairs and of users that a probability is made from; ages are in days."""
_SHORTEST = 7.0
"""Days that a pair counts as observed at least."""
_SMALLEST = 1e-6
_WEIGHTS = tuple(field.name for field in dataclasses.fields(Logistic))


@dataclass(frozen=True)
class RepeatPurchase:
    """Fitted rhythms. Arrays have one element an item code of the day.

    rates    repeats a day of a pair with the item, shrunken to its category: the prior's a / b
    again    share of the item's buyers who bought it twice
    gaps     median over buyers of the days between two purchases; NaN: nobody bought it twice
    weights  what the probability is made with; None: too few repeats to learn from
    """

    rates: NDArray[np.float32]
    again: NDArray[np.float32]
    gaps: NDArray[np.float32]
    weights: Logistic | None
    settings: RepeatSettings

    def probabilities(self, facts: pl.DataFrame) -> NDArray[np.float32]:
        """Chance of a purchase within settings.days for each row (item, PAIR_FACTS, USER_FACTS); NaN: not known."""
        if self.weights is None or facts.is_empty():
            return np.full(len(facts), np.nan, np.float32)
        return sigmoid(self.weights.logits(_inputs(facts, self))).astype(np.float32)

    def due_in(self, facts: pl.DataFrame) -> NDArray[np.float32]:
        """Days until the next purchase is due (below 0: overdue) for each row (item, PAIR_FACTS); NaN: not known.

        The gap is the user's own mean, the item's usual gap counting as one more; where that is unknown the own alone.
        """
        gap = _item_value(facts, self.gaps)
        span = (facts["ui_first"] - facts["ui_last"]).to_numpy()
        repeats = facts["ui_days"].to_numpy() - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.where(repeats > 0, span / repeats, np.nan)
        expected = np.where(np.isnan(gap), own, (span + gap) / (repeats + 1))
        return (expected - facts["ui_last"].to_numpy()).astype(np.float32)

    def arrays(self) -> Arrays:
        """For the registry."""
        plain: Arrays = {"rates": self.rates, "again": self.again, "gaps": self.gaps}
        if self.weights is not None:
            parts = dataclasses.asdict(self.weights)
            plain |= {f"weights_{name}": np.asarray(value) for name, value in parts.items()}
        return plain

    @classmethod
    def from_arrays(cls, arrays: Arrays, settings: RepeatSettings) -> RepeatPurchase:
        """The model that `arrays` came from."""
        weights = None
        if "weights_mean" in arrays:
            mean, deviation, offset, coefficients = (arrays[f"weights_{name}"] for name in _WEIGHTS)
            weights = Logistic(mean, deviation, float(offset), coefficients)
        return cls(arrays["rates"], arrays["again"], arrays["gaps"], weights, settings)


def fit_repeat_purchase(
    history: History,
    history_days: int,
    settings: RepeatSettings,
    seed: int,
    today: pl.DataFrame | None = None,
    apart: Sequence[date] = (),
) -> RepeatPurchase:
    """Fit on `history`: rhythms as of its end, weights on the purchases of its last settings.days days but for `apart`.

    `today`: item and PAIR_FACTS as of its end, where they are at hand.
    """
    start = history.as_of - timedelta(days=settings.days + len(apart))
    past = history.before(start, history_days)
    now = _rhythms(history.before(history.as_of, history_days), settings, today)
    facts = repeat_facts(past)
    if facts.is_empty():
        return now
    then = _rhythms(past, settings, facts)
    bought = history.aged("purchase").filter(
        (pl.col("age") <= settings.days + len(apart)) & ~pl.col("day").is_in(list(apart))
    )
    label = bought.select("user", "item", label=pl.lit(1.0)).unique()
    users = pl.Series(draw_users(facts["user"].unique().sort(), settings.training_users, seed))
    mine = facts.filter(pl.col("user").is_in(users.implode()))
    mine = mine.join(label, on=["user", "item"], how="left", maintain_order="left")
    labels = mine["label"].fill_null(0.0).to_numpy()
    if labels.sum() < settings.min_labels or labels.all():
        return now
    return dataclasses.replace(now, weights=fit_logistic(_inputs(mine, then), labels, settings.penalty))


def save_repeat_purchase(context: RunContext, history: History) -> None:
    """Fit the day's model on `history` and write it. Raises LakeError before build_features ran."""
    settings = context.settings
    today = scan_view(context, "pairs").select("item", *PAIR_FACTS).collect()
    apart = settings.opening.apart(context.as_of_date, settings.repeat.days)
    fitted = fit_repeat_purchase(history, settings.models.history_days, settings.repeat, settings.seed, today, apart)
    registry.write_arrays(context.lake, context.as_of_date, "repeat_purchase", fitted.arrays())


def repeat_facts(history: History) -> pl.DataFrame:
    """user, item, PAIR_FACTS, USER_FACTS of every pair bought, sorted; the same numbers as in the views."""
    bought = history.aged("purchase")
    pairs = bought.group_by("user", "item").agg(
        pl.col("day").n_unique().alias("ui_days"),
        pl.col("age").min().alias("ui_last"),
        pl.col("age").max().alias("ui_first"),
        *(decayed(days).alias(f"ui_decayed_{days}") for days in (30, 90)),
    )
    trips = bought.group_by("user", "trip").agg(pl.col("age").min())
    users = trips.group_by("user").agg(
        pl.len().alias("u_trips"),
        pl.col("age").min().alias("u_last"),
        pl.col("age").max().alias("u_first"),
        younger(28).alias("u_trips_28"),
        *(decayed(days).alias(f"u_decayed_{days}") for days in (30, 90)),
    )
    both = pairs.join(users, on="user").sort("user", "item")
    return both.with_columns(pl.col(*PAIR_FACTS, *USER_FACTS).cast(pl.Float32))


def _rhythms(history: History, settings: RepeatSettings, facts: pl.DataFrame | None = None) -> RepeatPurchase:
    """What is known of items alone; `facts` where they are at hand."""
    pairs = (repeat_facts(history) if facts is None else facts).select(
        "item",
        repeats=pl.col("ui_days").cast(pl.Float64) - 1,
        observed=pl.col("ui_first").cast(pl.Float64).clip(_SHORTEST),
        gap=mean_gap("ui_last", "ui_first", "ui_days"),
    )
    # Rounded before the sum, so that the order of adding does not matter.
    days = (pl.col("observed") * 1024).round().cast(pl.Int64).sum() / 1024
    items = pairs.group_by("item").agg(
        pl.col("repeats").sum(),
        days.alias("observed"),
        again=(pl.col("repeats") > 0).mean(),
        gap=pl.col("gap").median(),
    )
    items = history.tree.join(items, on="item", how="left", maintain_order="left").sort("item")
    total = float(items["repeats"].sum()) / max(float(items["observed"].sum()), 1.0)
    near = settings.category_prior_days
    leaves = items.group_by("leaf").agg(pl.col("repeats", "observed").sum()).select(
        "leaf", usual=(pl.col("repeats") + near * total) / (pl.col("observed") + near)
    )  # fmt: skip
    items = items.join(leaves, on="leaf", maintain_order="left", how="left").fill_null(0.0)
    own = settings.item_prior_days
    rate = (pl.col("repeats") + own * pl.col("usual")) / (pl.col("observed") + own)
    told = items.select(rate=rate.clip(_SMALLEST), again="again", gap=pl.when(pl.col("gap") > 0).then("gap"))
    rates, again, gaps = (column.cast(pl.Float32).fill_null(float("nan")).to_numpy() for column in told)
    return RepeatPurchase(rates, again, gaps, None, settings)


def _item_value(facts: pl.DataFrame, values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values[facts["item"].to_numpy()]


def chances(facts: pl.DataFrame, model: RepeatPurchase) -> tuple[Floats, Floats, Floats]:
    """By the plain and by the modified model, before calibration; and the expected gap in days."""
    shape = model.settings.shape
    scale = shape / _item_value(facts, model.rates).astype(np.float64)
    days, last, first = (facts[name].cast(pl.Float64).to_numpy() for name in ("ui_days", "ui_last", "ui_first"))
    known = days - 1 + shape
    gap = (first - last + scale) / known
    wait = np.where(last < 2 * gap, 2 * np.abs(gap - last), last)
    plain, modified = first + scale, first - last + wait + scale
    ahead = model.settings.days
    return 1 - (1 + ahead / plain) ** -known, 1 - (1 + ahead / modified) ** -known, gap


def _inputs(facts: pl.DataFrame, model: RepeatPurchase) -> Floats:
    """Rows x inputs of the regression."""
    plain, modified, gap = chances(facts, model)
    last = facts["ui_last"].cast(pl.Float64).to_numpy()
    c = pl.col
    told = facts.select(
        decayed_30=(c("ui_decayed_30") + 0.1).log(),
        decayed_90=(c("ui_decayed_90") + 0.1).log(),
        last=(c("ui_last") + 1).log(),
        user_last=(c("u_last") + 1).log(),
        pace=(c("u_trips_28") / 28 * c("u_first") / c("u_trips") + 0.1).log(),
        lately=(c("u_decayed_30") + 0.5).log(),
        share=((c("ui_decayed_90") + 0.1) / (c("u_decayed_90") + 1)).log(),
        days=c("ui_days").log(),
    )
    through = np.clip(last / gap, 0.0, 3.0)
    again = _item_value(facts, model.again).astype(np.float64)
    odds = [np.log(p / (1 - p)) for p in (np.clip(x, _SMALLEST, 1 - _SMALLEST) for x in (plain, modified))]
    return np.column_stack([*odds, through, through**2, again, told.cast(pl.Float64).to_numpy()])
