"""Options of a fit as objects; a string chooses only at the public edge."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gramian.errors import OptionError, one_of

NA = ("drop", "raise")
COLLINEAR = ("drop", "min-norm", "raise")
SOLVERS = ("auto", "gram", "iterative", "dual")
DECIMAL = ("float64", "exact")
MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Options:
    """How to fit.

    weights, counts : columns. drop : leave rows with something missing out. collinear : one of COLLINEAR.
    alpha : ridge penalty or None. drop_first : penalised fits leave out the reference level, as R's contrasts do.
    digits : how many are wanted of every coefficient. exact : sums without rounding. decimal : text and DECIMAL
    numbers are what they say, not the nearest float64. solver : one of SOLVERS.
    """

    weights: str | None = None
    counts: str | None = None
    drop: bool = True
    collinear: str = "drop"
    alpha: float | None = None
    drop_first: bool = False
    digits: float = 8.0
    exact: bool = False
    decimal: bool = False
    solver: str = "auto"

    @property
    def every_level(self) -> bool:
        """Whether factors keep all levels, so that a penalised answer does not depend on a reference level."""
        return self.alpha is not None and not self.drop_first


def with_accuracy(options: Options, digits: float, *, exact: bool = False, decimal: str | None = None) -> Options:
    """The options with the digits that are wanted: between 0 and 15."""
    if isinstance(digits, bool) or not isinstance(digits, int | float) or not 0 <= digits <= MOST_DIGITS:
        raise OptionError(f"digits must be a number from 0 to {MOST_DIGITS}, found {digits!r}")
    decimal_exact = decimal is not None and one_of("decimal", decimal, DECIMAL) == "exact"
    return replace(options, digits=float(digits), exact=exact or decimal_exact, decimal=decimal_exact)


def penalty(alpha: float) -> float:
    """A ridge penalty: a finite number, not negative."""
    if not isinstance(alpha, int | float) or not 0.0 <= alpha < float("inf"):
        raise OptionError(f"alpha must be a number that is not negative, found {alpha!r}")
    return float(alpha)
