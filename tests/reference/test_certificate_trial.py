"""A hundred problems of the trial: no certificate above the truth, nothing wrong without a word, a useful slack.

With default options, with data that can be read once only, so that the certificate of one pass is seen, and as data
that are not small: a fit that needs a residual gets it by products of slices first.
"""

from __future__ import annotations

from functools import cache, partial
from statistics import median
from unittest.mock import patch

import pytest
from trial.answer import fit
from trial.run import SLACK, told, tried
from trial.scoring import Score

FIRST, PROBLEMS = 1_000, 100
WAYS = ("as often as needed", "once", "not small")


@cache
def scores(way: str) -> tuple[Score, ...]:
    with patch("gramian.fit.leastsquares.escalate.MAX_SMALL_VALUES", 0 if way == "not small" else 1_000_000):
        return tuple(tried(range(FIRST, FIRST + PROBLEMS), partial(fit, once=True) if way == "once" else fit))


@pytest.mark.parametrize("way", WAYS)
def test_no_more_is_certified_than_is_right(way: str) -> None:
    bad = [f"problem {s.number} ({s.family}), {told(f)}" for s in scores(way) for f in s.violations]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_wrong_without_a_word(way: str) -> None:
    wrong = [f"problem {s.number} ({s.family}): {s.wrong}" for s in scores(way) if s.wrong]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("way", WAYS)
def test_the_certificate_knows_of_most_digits(way: str) -> None:
    assert median(f.slack for s in scores(way) if not s.refusal for f in s.figures) < SLACK


@pytest.mark.parametrize("way", WAYS)
def test_more_problems_are_answered_when_the_rows_can_be_read_again(way: str) -> None:
    answered = sum(not s.refusal for s in scores(way))
    assert answered > (0.8 if way != "once" else 0.4) * PROBLEMS
