"""False discoveries: pairs called significant in a real shop and in the same shop reshuffled.

    python -m benchmarks.pair_false_discoveries [--cut 2017-11-06] [--seeds 3]

Reshuffling keeps every basket's size and every item's frequency, so each pair that it yields is an accident.
"""

from __future__ import annotations

import argparse
import json
from datetime import date

from benchmarks.combination_data import SETTINGS, baskets_before, complete_journey, reshuffled
from recsys.recommendations.item_pairs import mine_pairs


def main() -> None:
    """Print both counts and their ratio, one line a seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    real = baskets_before(*complete_journey(), args.cut)
    found = mine_pairs(real, SETTINGS).significant
    for seed in range(args.seeds):
        false = mine_pairs(reshuffled(real, seed), SETTINGS).significant
        print(json.dumps({"seed": seed, "real": found, "reshuffled": false, "ratio": round(false / found, 6)}))


if __name__ == "__main__":
    main()
