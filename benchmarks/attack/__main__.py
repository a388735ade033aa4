"""All attacks, and their table: at full size 42,300 trials, with `--share 0.05` a twentieth of them.

cd benchmarks && python -m attack --share 0.05
"""

from __future__ import annotations

import argparse
from importlib import import_module
from math import ceil

from attack.verdicts import Trial, finish, reported, run

SIZES = {
    "damaged": 10_000,
    "forged": 2_000,
    "formulas": 20_000,
    "extremes": 10_000,
    "signals": 200,
    "workers": 100,
}  # trials of all the attacks in a file, at full size


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="share of the full size (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial of each attack")
    parser.add_argument("--only", choices=SIZES, action="append", help="only the attacks of these files")
    given = parser.parse_args()
    trials = list[Trial]()
    for name in given.only or SIZES:
        attacks = import_module(f"attack.{name}").ATTACKS
        size = ceil(given.share * SIZES[name] / len(attacks))
        trials += reported(run(attacks, range(given.first, given.first + size)))
    finish(trials)


if __name__ == "__main__":
    main()
