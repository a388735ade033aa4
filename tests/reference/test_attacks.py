"""A few trials of each attack in `benchmarks/attack`, and the way in which they are counted."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest
from attack import damaged, forged, formulas, signals
from attack.extremes import ATTACKS
from attack.verdicts import (
    CRASH,
    HANG,
    REFUSED,
    RIGHT,
    SILENT,
    THIRD,
    TRACEBACK,
    Attack,
    Trial,
    Verdict,
    judged,
    run,
    table,
)  # fmt: skip

from gramian.errors import DataError


@pytest.mark.parametrize("name", ATTACKS)
def test_extreme_numbers_are_right_or_refused(name: str) -> None:
    for number in (*range(5), 1147, 1218, 3040, 6037, 9061):
        verdict = judged(ATTACKS[name], number)
        assert verdict.outcome not in THIRD, (number, verdict.what)


@pytest.mark.parametrize("attacks", [damaged.ATTACKS, forged.ATTACKS], ids=["damaged", "forged"])
def test_files_are_right_or_refused(attacks: Mapping[str, Attack]) -> None:
    verdicts = {(name, number): judged(attacks[name], number) for name in attacks for number in range(3)}
    assert {key: v.what for key, v in verdicts.items() if v.outcome in THIRD} == {}
    assert {v.outcome for v in verdicts.values()} == {RIGHT, REFUSED}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("linear", 123),
        ("linear, splines", 121),
        ("path", 130),
        ("generalized", 127),
        ("generalized, two classes", 131),
        ("Gram", 4002),
    ],
)
def test_forged_columns_and_digits_are_refused(name: str, number: int) -> None:
    """Columns that are not of the design or the response, squares below zero, digits of a number that is not finite."""
    verdict = judged(forged.ATTACKS[f"forged: {name}"], number)
    assert verdict.outcome == REFUSED, verdict.what


def test_formulas_have_no_side_effects() -> None:
    trials = list(run(formulas.ATTACKS, range(25)))  # in children, for a hook stays as long as its process
    assert [t for t in trials if t.verdict.outcome in THIRD] == []
    assert {t.verdict.outcome for t in trials} == {RIGHT, REFUSED}


FORBIDDEN = (
    lambda: eval("1"),
    lambda: open("/dev/null"),  # noqa: SIM115
    lambda: os.system("true"),
    lambda: os.listdir("/"),
)


def _forbidden(number: int) -> Verdict:
    with formulas.watched(), contextlib.suppress(PermissionError):
        FORBIDDEN[number]()
        return Verdict(SILENT)
    return Verdict(RIGHT)


def test_the_hook_sees_what_a_formula_must_not_do() -> None:
    trials = list(run({"forbidden": _forbidden}, range(len(FORBIDDEN))))
    assert {t.verdict.outcome for t in trials} == {RIGHT}


def test_what_is_wrong_after_a_signal(tmp_path: Path) -> None:
    target, checkpoint = tmp_path / "saved", tmp_path / "checkpoint"
    done = signals.Run(0, "", "", 1.0)
    assert signals.faults(done, SIGINT, target, None, None, b"new") == ["exit code 0 and no file"]
    target.write_bytes(b"ne")
    checkpoint.write_bytes(b"half")
    (tmp_path / ".saved.1234").touch()
    done = signals.Run(1, "", "Traceback (most recent call last):", 1.0)
    wrong = signals.faults(done, SIGTERM, target, checkpoint, None, b"new")
    assert [w.partition(" '")[0].partition(" [")[0] for w in wrong] == [
        "exit code 1", "traceback", "half a file", "half a checkpoint", "left behind",
    ]  # fmt: skip


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
