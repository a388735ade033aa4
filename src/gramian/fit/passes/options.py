"""Options of a fit as one object; strings that choose are checked here, at the public edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from gramian.errors import OptionError, no_choice, one_of
from gramian.keywords import Collinear, Decimal, GramSolver, MissingRows, WideSolver

NA: tuple[str, ...] = get_args(MissingRows)
COLLINEAR: tuple[str, ...] = get_args(Collinear)
SOLVERS: tuple[str, ...] = (*get_args(GramSolver), *get_args(WideSolver))
CHOICES = {"na": NA, "collinear": COLLINEAR, "solver": SOLVERS}  # the values of options that have few
DECIMAL: tuple[str, ...] = get_args(Decimal)
MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a linear fit.

    Attributes
    ----------
    weights : str or None
        Column of precision weights.
    counts : str or None
        Column of frequency weights: how many equal rows a row stands for.
    drop : bool
        Whether incomplete rows are dropped and counted; if False, the first one raises DataError.
    collinear : str
        How to treat dependent columns, one of `COLLINEAR`.
    alpha : float or None
        Ridge penalty, alpha |b|^2 added to the residual sum of squares; None for least squares.
    drop_first : bool
        Whether penalised fits leave out the reference level of a factor, as R's treatment contrasts do.
    digits : float
        Decimal digits that every coefficient should have.
    exact : bool
        Whether products are summed without rounding.
    decimal : bool
        Whether DECIMAL and text numbers are taken as written and not rounded to float64.
    solver : str
        One of `SOLVERS`.
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
        """Whether factors have a column for each level: then a penalised fit does not depend on a reference level."""
        return self.alpha is not None and not self.drop_first


def checked_options(values: Mapping[str, Any], alpha: float | None = None) -> Options:
    """The options that keyword arguments stand for. alpha : ridge penalty. Raises OptionError for other values."""
    for name in ("weights", "counts"):
        if (value := values.get(name)) is not None and not isinstance(value, str):
            raise OptionError(f"{name} must be the name of a column, found {type(value).__name__}")
    for name, choices in CHOICES.items():
        if values[name] not in choices:
            raise no_choice(name, values[name], choices)
    options = Options(
        values.get("weights"),
        values.get("counts"),
        values["na"] == "drop",
        values["collinear"],
        None if alpha is None else penalty(alpha),
        values["drop_first"],
        solver=values["solver"],
    )
    return with_accuracy(options, values["digits"], exact=values["exact"], decimal=values.get("decimal"))


def with_accuracy(options: Options, digits: float, *, exact: bool = False, decimal: str | None = None) -> Options:
    """The options with the requested accuracy.

    digits : from 0 to 15. exact : sum without rounding. decimal : one of `DECIMAL`; "exact" implies `exact`.
    Raises OptionError for other values.
    """
    if isinstance(digits, bool) or not isinstance(digits, int | float) or not 0 <= digits <= MOST_DIGITS:
        raise OptionError(f"digits must be a number from 0 to {MOST_DIGITS}, found {digits!r}")
    decimal_exact = decimal is not None and one_of("decimal", decimal, DECIMAL) == "exact"
    return replace(options, digits=float(digits), exact=exact or decimal_exact, decimal=decimal_exact)


def penalty(alpha: float) -> float:
    """A checked ridge penalty. Raises OptionError unless it is finite and not negative."""
    if not isinstance(alpha, int | float) or not 0.0 <= alpha < float("inf"):
        raise OptionError(f"alpha must be a number that is not negative, found {alpha!r}")
    return float(alpha)
