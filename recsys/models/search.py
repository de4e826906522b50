"""Compare values of model settings on past cuts.

    python -m recsys.models.search --as-of 2017-11-06 --try ease_regularization=8,16,32 --try half_life_days=90,180

Needs the lake of the environment in which check_extracts has run for the as-of date; the holdout is the horizon
before it, so nothing at or after the as-of date is read. Each value is tried alone against the defaults; one JSON line
a trial: the setting, ndcg@10 of for_you and of discover, candidate recall, seconds. Choose on several as-of dates, and
keep the newest one for the report.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from recsys.config import ConfigError, Settings, load_environment, load_settings
from recsys.features.assemble import feature_names
from recsys.features.build import load_history
from recsys.features.history import History
from recsys.models.candidates import is_ease_shop
from recsys.models.measuring import split_truth
from recsys.models.metrics import ndcg, recall, top_lists
from recsys.models.ranker import fit_ranker, score
from recsys.models.training import build_cut, label_types, sampled
from recsys.run import RunContext
from recsys.settings.models import ModelSettings


def trials(settings: Settings, choices: list[str]) -> Iterator[tuple[str, Settings]]:
    """The defaults, then each `name=value,value` of `choices` one value at a time.

    Raises ConfigError for a name that ModelSettings lacks or a value of another type.
    """
    yield "defaults", settings
    types = {field.name: type(getattr(settings.models, field.name)) for field in dataclasses.fields(ModelSettings)}
    for choice in choices:
        name, _, values = choice.partition("=")
        if name not in types or not values:
            raise ConfigError(f"{choice!r}: write name=value,value with one of {', '.join(sorted(types))}")
        for text in values.split(","):
            try:
                value = types[name](text)
            except ValueError as error:
                raise ConfigError(f"{name}: {text!r} is no {types[name].__name__}") from error
            models = dataclasses.replace(settings.models, **{name: value})
            yield f"{name}={text}", dataclasses.replace(settings, models=models)


def evaluate(history: History, settings: Settings) -> dict[str, Any]:
    """Train on the cuts before the newest horizon of `history` and measure on that horizon."""
    started = time.perf_counter()
    horizon = timedelta(days=settings.models.horizon_days)
    newest = history.as_of - horizon
    with_ease, types = is_ease_shop(history.before(newest), settings), label_types(history.before(newest), settings)
    cuts = [newest - horizon * n for n in range(1, settings.models.training_cuts + 1)]
    past = [sampled(build_cut(history, at, types, settings, with_ease), settings) for at in cuts]
    measured = build_cut(history, newest, types, settings, with_ease)
    features = feature_names(measured.frame)
    ranker = fit_ranker([cut.frame for cut in past], features, settings.models, settings.seed)
    general, discovery = score(ranker, measured.frame)
    bought = history.before(newest).aged("purchase").select("user", "item").unique()
    new = split_truth(measured.labels, bought)["discover"]
    own = measured.frame.select("user", "item")
    return {
        "for_you": _mean(ndcg(top_lists(own.with_columns(score=pl.Series(general)), 10), measured.labels)),
        "discover": _mean(ndcg(top_lists(own.with_columns(score=pl.Series(discovery)), 10), new)),
        "recall": _mean(recall(own, measured.labels)),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _mean(values: Any) -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0


def main() -> None:
    """Print one line a trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="end of the holdout")
    parser.add_argument("--try", dest="choices", action="append", default=[], metavar="NAME=VALUE,VALUE")
    options = parser.parse_args()
    settings = load_settings()
    history = load_history(RunContext(options.as_of, load_environment(), settings, "search"))
    for name, changed in trials(settings, options.choices):
        print(json.dumps({"trial": name} | evaluate(history, changed)), flush=True)


if __name__ == "__main__":
    main()
