"""Keyed passes against the plain one-pass fit: ten folds, ten groups, ten thousand groups, each with its bar.

python benchmarks/folds.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

from command import Program, main
from problems import NUMERIC, Sizes, doubles_with_groups, wide
from runner import FREE, Bar, Contender, Race

import gramian as gm
from gramian.data.source import source_of
from gramian.fit.passes.accumulate_keyed import KeyedAccumulated, keyed_job, keyed_pass
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.keys import ByColumns, Folds, Grouping
from gramian.fit.passes.options import Options
from gramian.formula.grammar import parse

WIDE = "y ~ " + " + ".join(f"x{i}" for i in range(50))
FOLDS, FEW, MANY = 10, 10, 10_000
PLAIN = "plain fit"


def folds(sizes: Sizes) -> Race:
    file = wide(sizes.array)
    return Race(
        "folds",
        f"{sizes.array:,} rows x 50 doubles and an outcome, Parquet; {FOLDS} folds",
        [
            Contender(PLAIN, lambda: gm.ols(WIDE, str(file))),
            Contender("sums of every fold", lambda: keyed(WIDE, file, Folds(FOLDS))),
        ],
        [Bar("sums of every fold", PLAIN, FREE)],  # one_gram.py judges the whole of a cross-validation
    )


def few(sizes: Sizes) -> Race:
    file = doubles_with_groups(sizes.factor, FEW)
    return Race(
        "few groups",
        f"{sizes.factor:,} rows x 20 doubles and an outcome, Parquet; {FEW} groups in no order",
        [
            Contender(PLAIN, lambda: gm.ols(NUMERIC, str(file))),
            Contender("fits of every group", lambda: gm.ols(NUMERIC, str(file), by="g")),
        ],
        [Bar("fits of every group", PLAIN, 2.0)],
    )


def many(sizes: Sizes) -> Race:
    groups = min(MANY, sizes.factor // 100)
    file = doubles_with_groups(sizes.factor, groups)
    return Race(
        "many groups",
        f"{sizes.factor:,} rows x 20 doubles and an outcome, Parquet; {groups:,} groups in no order",
        [
            Contender(PLAIN, lambda: gm.ols(NUMERIC, str(file))),
            Contender("sums of every group", lambda: keyed(NUMERIC, file, ByColumns(("g",)))),
        ],
        [Bar("sums of every group", PLAIN, 8.0)],
    )


def keyed(formula: str, file: Path, split: Grouping) -> KeyedAccumulated:
    """The keyed pass on all threads."""
    job = keyed_job(parse(formula), Options(), PassRunner(source_of(str(file)), gm.Local()), split)
    job.prepare()
    return job.fold(keyed_pass(job, split))


RACES = {"folds": folds, "few": few, "many": many}
PROGRAM = Program("folds", "Passes that keep the sums of folds and groups apart: ratios of times.", RACES, {})

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
