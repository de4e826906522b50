"""Compare values of model settings on past cuts.

    python -m recsys.models.search --as-of 2017-11-06 --try ease_regularization=8,16,32 --try half_life_days=90,180

Needs the lake of the environment in which build_features has run for the as-of date; the holdout is the horizon
before it, so nothing at or after the as-of date is read. Each value is tried alone against the defaults; one JSON line
a trial: the setting, ndcg@10 of for_you and of discover, candidate recall, seconds. Choose on several as-of dates, and
keep the newest one for the report.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from recsys.arguments import a_day
from recsys.config import ConfigError, Settings, load_environment, load_settings, override
from recsys.features.assemble import feature_names
from recsys.features.build import load_history
from recsys.features.history import History
from recsys.models.candidates import is_ease_shop
from recsys.models.cuts import cut_days, cut_frame, is_usable, label_types, make_cut, sampled
from recsys.models.measuring import split_truth
from recsys.models.metrics import ndcg, recall, top_lists
from recsys.models.ranker import fit_ranker, score
from recsys.run import RunContext, RunError
from recsys.storage import LakeError


def trials(settings: Settings, choices: list[str]) -> Iterator[tuple[str, Settings]]:
    """The defaults, then each `name=value,value` of `choices` one value at a time; values as in a settings file.

    Raises ConfigError, before the first trial, for a name that is no setting of models, or a value that it cannot have.
    """
    found = [("defaults", settings)]
    for choice in choices:
        name, _, values = choice.partition("=")
        try:
            told = tomllib.loads(f"values = [{values}]")["values"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                f"{choice!r}: write NAME=VALUE,VALUE with values as in a settings file ({error})"
            ) from error
        if not told:
            raise ConfigError(f"{choice!r}: write NAME=VALUE,VALUE")
        found += [(f"{name}={value}", override(settings, {"models": {name: value}})) for value in told]
    return iter(found)


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


def main(arguments: list[str] | None = None) -> int:
    """Print one line a trial; returns the exit code, 1 after an error."""
    parser = argparse.ArgumentParser(
        "python -m recsys.models.search", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--as-of", type=a_day, required=True, metavar="DATE", help="end of the holdout, YYYY-MM-DD")
    parser.add_argument(
        "--try",
        dest="choices",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="setting of [models] and its values (python -m recsys settings lists them); may be given several times",
    )
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        tried = trials(settings, options.choices)
        history = load_history(RunContext(options.as_of, load_environment(), settings, "search"))
        for name, changed in tried:
            print(json.dumps({"trial": name} | evaluate(history, options.as_of, changed)), flush=True)
    except (ConfigError, LakeError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
