"""A few trials of each attack in `benchmarks/attack`, and the way in which they are counted."""

from __future__ import annotations

import os
import time

import pytest
from attack.extremes import ATTACKS
from attack.verdicts import CRASH, HANG, REFUSED, RIGHT, SILENT, THIRD, TRACEBACK, Trial, Verdict, judged, run, table

from gramian.errors import DataError


@pytest.mark.parametrize("name", ATTACKS)
def test_extreme_numbers_are_right_or_refused(name: str) -> None:
    for number in (*range(5), 1147, 1218, 6037):
        verdict = judged(ATTACKS[name], number)
        assert verdict.outcome not in THIRD, (number, verdict.what)


def _attack(number: int) -> Verdict:
    if number == 1:
        raise DataError("refused")
    if number == 2:
        raise ZeroDivisionError
    if number == 3:
        os._exit(3)
    if number == 4:
        time.sleep(60)
    return Verdict(SILENT if number == 5 else RIGHT)


def test_every_outcome_is_counted_in_a_child_process() -> None:
    trials = list(run({"all outcomes": _attack}, range(7), seconds=1.0))
    assert [t.verdict.outcome for t in trials] == [RIGHT, REFUSED, TRACEBACK, CRASH, HANG, SILENT, RIGHT]
    assert table(trials).splitlines()[-2:] == [
        "| all outcomes | 7 | 2 | 1 | 1 | 1 | 1 | 1 |",
        "| all | 7 | 2 | 1 | 1 | 1 | 1 | 1 |",
    ]
    assert trials[3] == Trial("all outcomes", 3, Verdict(CRASH, "the process ended with 3"))
