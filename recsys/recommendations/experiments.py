"""Experiments: who is in which arm, and whether the arms hold as many users as they should.

A user's bucket is a hash of the experiment's name and the user's id, so that it needs no memory and experiments do not
lean on each other. What an arm is shown is the reader's matter; realised_metrics tells each arm apart.
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from recsys import schemas
from recsys.run import RunContext
from recsys.settings.experiments import ExperimentSettings
from recsys.storage import read_partition_if_any, write_partition

BUCKETS = 10_000


def bucket_of(experiment: str, user_id: str) -> int:
    """The user's bucket, from 0 to BUCKETS - 1: the first 8 hexadecimal digits of a SHA-256, modulo BUCKETS."""
    return int(hashlib.sha256(f"{experiment}:{user_id}".encode()).hexdigest()[:8], 16) % BUCKETS


def assign(user_ids: pl.Series, settings: ExperimentSettings) -> pl.DataFrame:
    """experiment, user_id, bucket, arm, share: users of each experiment, sorted by the first two.

    Arms follow each other from bucket 0 in the order in which they are named.
    """
    parts = [pl.DataFrame(schema=_ASSIGNED)]
    for name, arms in settings.arms().items():
        ends = np.round(np.cumsum(list(arms.values())) * BUCKETS).astype(int)
        buckets = np.array([bucket_of(name, user_id) for user_id in user_ids], dtype=int)
        place = np.searchsorted(ends, buckets, "right")
        inside = place < len(ends)
        chosen = pl.DataFrame({"user_id": user_ids, "bucket": buckets, "place": place}).filter(pl.Series(inside))
        names, shares = pl.Series(list(arms), dtype=pl.String), pl.Series(list(arms.values()), dtype=pl.Float32)
        chosen = chosen.with_columns(
            experiment=pl.lit(name), arm=names.gather(chosen["place"]), share=shares.gather(chosen["place"])
        )
        parts.append(chosen.select(_ASSIGNED.keys()).cast(_ASSIGNED))  # type: ignore[arg-type]
    return pl.concat(parts).sort("experiment", "user_id")


_ASSIGNED = {
    "experiment": pl.String,
    "user_id": pl.String,
    "bucket": pl.Int32,
    "arm": pl.String,
    "share": pl.Float32,
}


def write_assignments(context: RunContext, user_ids: pl.Series) -> int:
    """Write experiment_assignments of the day; returns the rows."""
    rows = assign(user_ids, context.settings.experiments).with_columns(as_of_date=pl.lit(context.as_of_date))
    return write_partition(context.lake, schemas.EXPERIMENT_ASSIGNMENTS, rows, as_of_date=context.as_of_date)


def arm_rows(users: pl.DataFrame, assigned: pl.DataFrame, metrics: dict[str, str]) -> list[tuple[object, ...]]:
    """Rows (list, slice, slice_value, metric, value, low, high, users) of each arm, as realised.MEASURED.

    users     list, user_id and a column for each of `metrics` (name of the metric: column): one row per measured user
    assigned  experiment, user_id, arm, share

    Means have the 95 % interval of their standard error, that of a single user has none. `sample_ratio_p` is the chance
    that the measured users fall so far from the shares of their arms; below 0.001 the arms cannot be compared.
    """
    joined = users.join(assigned, on="user_id").sort("list", "experiment", "arm", "user_id")
    rows: list[tuple[object, ...]] = []
    for (name, experiment), own in joined.group_by("list", "experiment", maintain_order=True):
        for (arm,), mine in own.group_by("arm", maintain_order=True):
            for metric, column in metrics.items():
                values = mine[column].to_numpy()
                mean, low, high = float(values.mean()), None, None
                if len(values) > 1:
                    error = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
                    low, high = mean - error, mean + error
                rows.append((name, "arm", f"{experiment}/{arm}", metric, mean, low, high, len(values)))
        chance = sample_ratio(own, assigned.filter(pl.col("experiment") == experiment))
        rows.append((name, "arm", experiment, "sample_ratio_p", chance, None, None, len(own)))
    return rows


def sample_ratio(measured: pl.DataFrame, assigned: pl.DataFrame) -> float:
    """Chi-square test of the number of `measured` users of each arm (column arm) against the shares of `assigned`."""
    from scipy.special import chdtrc

    shares = assigned.select("arm", "share").unique("arm").sort("arm")
    counts = (
        shares.join(measured.group_by("arm").len(), on="arm", how="left").sort("arm")["len"].fill_null(0).to_numpy()
    )
    weights = shares["share"].to_numpy().astype(np.float64)
    if len(weights) < 2 or not counts.sum():
        return 1.0
    expected = counts.sum() * weights / weights.sum()
    return float(chdtrc(len(weights) - 1, ((counts - expected) ** 2 / expected).sum()))


def assigned_on(context: RunContext, published: object) -> pl.DataFrame:
    """experiment, user_id, arm, share of a published day; none where it knew no experiment."""
    rows = read_partition_if_any(context.lake, schemas.EXPERIMENT_ASSIGNMENTS, as_of_date=published)
    return rows.select("experiment", "user_id", "arm", "share")
