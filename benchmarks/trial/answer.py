"""What the library answers to a problem: the one place of the trial that calls it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

import gramian as gm
from gramian.errors import GramianError
from trial.problem import Data, Problem

ACCURACY = "AccuracyWarning"
ABSENT = "not there"  # what refusals begin with that are no decision of the library's
UNDETERMINED = "the fit says nothing of its accuracy: {type} has no attribute '{name}'"


class NotCertifiedError(Exception):
    """The library has no certificate."""


class AbsentError(Exception):
    """The library cannot do what the problem asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Numbers and what is certified of them, in the order of names; NaN where a column is left out.

    refused : the error instead of an answer. crashed : whether it was none of the library's own errors.
    warnings : texts of AccuracyWarning. stray : all other warnings, with their kind; there should be none.
    passes : over the data. tier : how far the ladder was climbed, where that is told.
    """

    names: tuple[str, ...] = ()
    coefficients: tuple[float, ...] = ()
    digits: tuple[float, ...] = ()
    std_errors: tuple[float, ...] = ()
    std_error_digits: tuple[float, ...] = ()
    rss: float = float("nan")
    rss_digits: float = 0.0
    aliased: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    refused: str = ""
    crashed: bool = False
    tier: str = ""
    passes: int = 0

    def doubts(self, column: str) -> bool:
        """Whether a warning names the column."""
        return any(column in text for text in self.warnings)


def fit(problem: Problem, **options: Any) -> Answer:
    """Fit a problem with `gm.ols` and the options; what is refused is part of the answer.

    once=True hands the rows over so that they can be read once only: the certificate is that of one pass.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = _subtracted(problem, options) if problem.removed is not None else _ols(problem, options)
        except AbsentError as error:
            return Answer(refused=f"{ABSENT}: {error}")
        except GramianError as error:
            return Answer(refused=f"{type(error).__name__}: {error}")
        except (ArithmeticError, ValueError, LookupError, AssertionError, TypeError) as error:
            return Answer(refused=f"{type(error).__name__}: {error}", crashed=True)
    return answer_of(found, caught)


def _ols(problem: Problem, options: Mapping[str, Any]) -> Any:
    data: Any = problem.handed(problem.data)
    if options.get("once") and not problem.stacked:
        data = iter([pa.RecordBatch.from_pydict(dict(problem.data))])
    rest = {name: value for name, value in options.items() if name != "once"}
    return gm.ols(problem.formula, data, weights=problem.weights, counts=problem.counts, **rest)


def _subtracted(problem: Problem, options: Mapping[str, Any]) -> Any:
    """From the sums of all rows minus the sums of those that go."""
    gram = getattr(gm, "gram", None)
    if gram is None:
        raise AbsentError("rows cannot be subtracted: there is no gm.gram")
    exact = {"exact": True} if options.get("exact") else {}
    rest = {name: value for name, value in options.items() if name not in ("exact", "once")}

    def summed(data: Data) -> Any:
        return gram(problem.formula, problem.handed(data), weights=problem.weights, counts=problem.counts, **exact)

    assert problem.removed is not None
    return gm.subtract(summed(problem.added), summed(problem.removed), force=True).ols(problem.formula, **rest)


def answer_of(fit: Any, caught: Sequence[warnings.WarningMessage]) -> Answer:
    """The numbers of a fit, and what is certified of them."""
    return Answer(
        tuple(fit.names),
        tuple(map(float, fit.coefficients)),
        tuple(map(float, _certified(fit, "digits"))),
        tuple(map(float, fit.std_errors)),
        tuple(map(float, _certified(fit, "std_error_digits"))),
        float(fit.deviance),
        float(_certified(fit, "rss_digits")),
        frozenset(fit.aliased),
        tuple(str(w.message) for w in caught if w.category.__name__ == ACCURACY),
        tuple(f"{w.category.__name__}: {w.message}" for w in caught if w.category.__name__ != ACCURACY),
        tier=str(getattr(fit, "tier", "")),
        passes=int(fit.passes),
    )


def _certified(fit: Any, name: str) -> Any:
    if not hasattr(fit, name):
        raise NotCertifiedError(UNDETERMINED.format(type=type(fit).__name__, name=name))
    return getattr(fit, name)
