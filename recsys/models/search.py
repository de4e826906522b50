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
from datetime import date
from typing import Any

import polars as pl

from recsys.config import ConfigError, Settings, load_environment, load_settings
from recsys.features.assemble import feature_names
from recsys.features.build import load_history
from recsys.features.history import History
from recsys.models.candidates import is_ease_shop
from recsys.models.cuts import cut_days, cut_frame, is_usable, label_types, make_cut, sampled
from recsys.models.measuring import split_truth
from recsys.models.metrics import ndcg, recall, top_lists
from recsys.models.ranker import fit_ranker, score
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


def evaluate(history: History, as_of_date: date, settings: Settings) -> dict[str, Any]:
    """Train on the cuts before the newest one of `history` and measure on the horizon after that."""
    started = time.perf_counter()
    newest, *older = cut_days(as_of_date, settings.models)
    types, with_ease = label_types(history, newest, settings), is_ease_shop(history, settings)
    past = [make_cut(history, day, types, settings) for day in older if is_usable(history, day, settings)]
    frames = [sampled(cut_frame(cut, settings, with_ease), settings) for cut in past]
    cut = make_cut(history, newest, types, settings)
    frame = cut_frame(cut, settings, with_ease)
    general, discovery = score(fit_ranker(frames, feature_names(frame), settings.models, settings.seed), frame)
    bought = cut.history.aged("purchase").select("user", "item").unique()
    truth, own = cut.labels.select("user", "item"), frame.select("user", "item")
    new = split_truth(truth, bought)["discover"]
    return {
        "for_you": _mean(ndcg(top_lists(own.with_columns(score=pl.Series(general)), 10), truth)),
        "discover": _mean(ndcg(top_lists(own.with_columns(score=pl.Series(discovery)), 10), new)),
        "recall": _mean(recall(own, truth)),
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
        print(json.dumps({"trial": name} | evaluate(history, options.as_of, changed)), flush=True)


if __name__ == "__main__":
    main()
