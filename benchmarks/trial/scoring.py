"""How an answer is scored: right digits as the certificate counts them, against what was certified.

Digits are -log10 of the error relative to the larger of the coefficient and its standard error, of both the true ones;
for an exact fit relative to the coefficient. Standard errors and the residual sum of squares count relative to
themselves. The float64 number nearest to the truth has all digits, whatever is certified of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf, isfinite, isinf, isnan, log10
from time import perf_counter

from trial.answer import ABSENT, Answer
from trial.problem import Problem
from trial.truth import Truth, truth_of, within_rounding

CAP = 16.0  # right digits count no more than this in the slack: what a correctly rounded number may claim
ROUNDING = 1e-9  # of the logarithms on both sides, in digits
COEFFICIENT, STD_ERROR, RSS = "coefficient", "std error", "rss"
KINDS = (COEFFICIENT, STD_ERROR, RSS)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that was told. right : true digits, infinite where rounded correctly. certified : digits claimed."""

    kind: str
    name: str
    found: float
    truth: float
    right: float
    certified: float

    @property
    def violated(self) -> bool:
        """Whether more is certified than is right; a certificate of no digits says nothing."""
        return self.certified > max(self.right, 0.0) + ROUNDING

    @property
    def slack(self) -> float:
        """Right digits that the certificate does not know of."""
        return min(max(self.right, 0.0), CAP) - self.certified


@dataclass(frozen=True, slots=True)
class Score:
    """A problem's score. refusal : why there is no certain answer, "" where there is one.

    wrong : what is wrong beside the figures: a rank, a name, a crash. figures : empty where nothing was told.
    """

    number: int
    family: str
    refusal: str
    wrong: str
    figures: tuple[Figure, ...]
    tier: str
    passes: int
    seconds: float

    @property
    def violations(self) -> tuple[Figure, ...]:
        """Figures of which too much is certified."""
        return tuple(f for f in self.figures if f.violated)


def score(problem: Problem, fit: Callable[[Problem], Answer]) -> Score:
    """Solve exactly, let the library answer, compare."""
    began = perf_counter()
    answer = fit(problem)
    seconds = perf_counter() - began
    truth = truth_of(problem)
    refusal, wrong = verdict(answer, truth, partial(within_rounding, problem))
    figures: tuple[Figure, ...] = ()
    if not answer.refused and answer.names == truth.names:
        told = truth if answer.aliased == truth.aliased else truth_of(problem, answer.aliased)
        figures = tuple(compared(answer, told))
    return Score(problem.number, problem.family, refusal, wrong, figures, answer.tier, answer.passes, seconds)


def verdict(answer: Answer, truth: Truth, rounded: Callable[[str, frozenset[str]], bool]) -> tuple[str, str]:
    """Why the answer is no certain one, and what is wrong with it.

    rounded : whether a column is, but for rounding, a combination of earlier ones that are not left out.
    """
    if answer.refused:
        kind = answer.refused.partition(":")[0]
        return ("", answer.refused) if answer.crashed else (kind if kind == ABSENT else f"error: {kind}", "")
    if answer.names != truth.names:
        return "", f"columns {answer.names} instead of {truth.names}"
    lost, kept = answer.aliased - truth.aliased, truth.aliased - answer.aliased
    sure = [name for name in sorted(lost | kept) if not answer.doubts(name)]
    if sure and not kept and all(rounded(name, answer.aliased) for name in sure):
        return "left out within rounding", ""
    if sure:
        what = [f"left out, but independent: {', '.join(sorted(lost))}"] if lost else []
        return "", "; ".join([*what, *([f"kept, but dependent: {', '.join(sorted(kept))}"] if kept else [])])
    if lost or kept:
        return "rank in doubt", ""
    if _unusable(answer, truth):
        return "no number", ""
    return ("warning" if answer.warnings else ""), "; ".join(answer.stray)


def compared(answer: Answer, truth: Truth) -> Iterator[Figure]:
    """Every figure that both have, in the order of the names."""
    exact = truth.rss == 0
    for i, name in enumerate(truth.names):
        b, error, told = truth.coefficients[i], truth.std_errors[i], answer.coefficients[i]
        if b is None or isnan(told):
            continue
        scale = abs(b) if exact or error is None else max(abs(b), error)
        yield _figure(COEFFICIENT, name, told, b, scale, answer.digits[i])
        if error is not None:
            yield _figure(STD_ERROR, name, answer.std_errors[i], error, error, answer.std_error_digits[i])
    yield _figure(RSS, RSS, answer.rss, truth.rss, truth.rss, answer.rss_digits)


def right_digits(found: float, truth: Fraction, scale: Fraction) -> float:
    """-log10(|found - truth| / scale): infinite for the float64 number nearest to the truth, -infinite for no scale."""
    if found == nearest(truth):
        return inf
    if not isfinite(found) or not scale:
        return -inf
    return -logarithm(abs(Fraction(found) - truth) / scale)


def nearest(value: Fraction) -> float:
    """The float64 number nearest to it."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def logarithm(value: Fraction) -> float:
    """Decimal logarithm of a positive fraction of any size."""
    return log10(value.numerator) - log10(value.denominator)


def _figure(kind: str, name: str, found: float, truth: Fraction, scale: Fraction, certified: float) -> Figure:
    claimed = 0.0 if isnan(certified) else certified
    return Figure(kind, name, found, nearest(truth), right_digits(found, truth, scale), claimed)


def _unusable(answer: Answer, truth: Truth) -> bool:
    """Whether a coefficient is not a number, or not finite though the truth is."""
    pairs = zip(answer.names, answer.coefficients, truth.coefficients, strict=True)
    told = [(b, t) for name, b, t in pairs if name not in answer.aliased and t is not None]
    return any(isnan(b) or (isinf(b) and b != nearest(t)) for b, t in told)
