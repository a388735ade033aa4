"""A hundred problems of the trial: no certificate above the truth, nothing wrong without a word, a useful slack."""

from __future__ import annotations

from functools import cache
from statistics import median

from trial.answer import fit
from trial.run import SLACK, told, tried
from trial.scoring import Score

FIRST, PROBLEMS = 1_000, 100


@cache
def scores() -> tuple[Score, ...]:
    return tuple(tried(range(FIRST, FIRST + PROBLEMS), fit))


def test_no_more_is_certified_than_is_right() -> None:
    bad = [f"problem {s.number} ({s.family}), {told(f)}" for s in scores() for f in s.violations]
    assert not bad, "\n".join(bad)


def test_nothing_is_wrong_without_a_word() -> None:
    wrong = [f"problem {s.number} ({s.family}): {s.wrong}" for s in scores() if s.wrong]
    assert not wrong, "\n".join(wrong)


def test_the_certificate_knows_of_most_digits() -> None:
    slack = median(f.slack for s in scores() if not s.refusal for f in s.figures)
    assert slack < SLACK


def test_most_problems_are_answered() -> None:
    assert sum(not s.refusal for s in scores()) > 0.8 * PROBLEMS
