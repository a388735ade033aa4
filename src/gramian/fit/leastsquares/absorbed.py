"""Absorbed factors in a linear fit: the system after they are partialled out, and estimates of their effects.

By the theorem of Frisch, Waugh and Lovell the coefficients of the other columns are those of the regression of
residuals on residuals, after every column and the outcome has been regressed on the levels of the factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gramian.errors import DataError, NumericalError, OptionError
from gramian.fit.passes.memory import memory_limit
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.absorb.partial_out import Absorption, absorb
from gramian.linalg.absorb.slopes import NO_SLOPES, Slopes
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.moments import Moments
from gramian.linalg.solve import SAFETY
from gramian.linalg.subspace import dense, sandwich
from gramian.typing import Matrix, Vector

LIVE_ARRAYS = 4  # arrays of levels x columns in memory at once


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Estimates and degrees of freedom of absorbed factors.

    Attributes
    ----------
    levels : mapping of str to int
        Factor -> number of levels, in the order of the formula.
    rank : int
        Dimension of the span of all levels: the degrees of freedom that the factors use.
    exact : bool
        Whether `rank` is exact; otherwise it is an upper bound.
    singletons : mapping of str to int
        Factor -> number of levels with a single row.
    tss : float
        Sum of squares of the outcome within the levels, in squared units of the outcome.
    effects : mapping of str to ndarray
        Factor -> what each level, in the order of the design's levels, adds to a prediction.
    connected : bool
        Whether the levels are connected, so that every combination of levels can be predicted.
    slopes : mapping of str to mapping of str to ndarray
        Factor -> variable -> slope of each level, NaN where the rows of a level do not identify it: the variable is
        constant in them, or there is one row. `effects` are then those at the shift of the variable.
    zeros : mapping of str to mapping of str to ndarray
        Factor -> variable -> (levels, J) for each level whose slope is not identified, a combination of 1 and the
        variables in their coordinates that is zero in its rows; NaN for other levels. Of variables with such levels.
    constant : float or None
        What `effects` lack to those beside the columns as the formula writes them, whose shifts they contain; None
        where it is not known: beside contrasts, and in files of before.
    """

    levels: Mapping[str, int]
    rank: int
    exact: bool
    singletons: Mapping[str, int]
    tss: float
    effects: Mapping[str, Vector]
    connected: bool
    slopes: Mapping[str, Mapping[str, Vector]] = field(default_factory=dict)
    zeros: Mapping[str, Mapping[str, Matrix]] = field(default_factory=dict)
    constant: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Levels, degrees of freedom and variables with slopes, for JSON."""
        return {
            "levels": dict(self.levels),
            "singletons": dict(self.singletons),
            "rank": self.rank,
            "rank_is_exact": self.exact,
            **({"slopes": {factor: list(by) for factor, by in self.slopes.items()}} if self.slopes else {}),
        }


@dataclass(frozen=True, slots=True)
class PartialledOut:
    """The normal equations after absorbed factors have been partialled out.

    Attributes
    ----------
    products : Pair of shape (p + 1, p + 1)
        Products within the levels of the columns that are solved for and of the response, which is last.
    absorption : Absorption
        The elimination, from which the effects of levels are computed.
    order : tuple of str
        The factors in the order of elimination, the one with most levels first.
    squares : ndarray of shape (p + 1,)
        Squares to which rounding errors of the products are relative: what the levels explain has errors of its own.
    centres : mapping of str to ndarray
        Factor -> (J, levels, q) effects that were subtracted from the rows before they were summed; empty where none
        were.
    """

    products: Pair
    absorption: Absorption
    order: tuple[str, ...]
    squares: Vector
    centres: Mapping[str, Matrix] = field(default_factory=dict)


def partial_out(
    moments: Moments, design: Design, parametrization: Parametrization, squares: Vector, rounding_error: float
) -> PartialledOut:
    """Partial the absorbed factors of a design out of its normal equations.

    A column of which only rounding error remains within the levels is set to zero, so that it counts as dependent.

    Parameters
    ----------
    moments : Moments
        With sums over the levels of every factor.
    design : Design
        Names the absorbed factors.
    parametrization : Parametrization
        The columns that are solved for.
    squares : ndarray of shape (p + 1,)
        Largest magnitudes of the sums of squares of these columns and the response, before partialling out.
    rounding_error : float
        Relative rounding error of a sum.

    Raises
    ------
    DataError
        If the sums of all levels do not fit into memory.
    NumericalError
        If a variable with slopes hardly varies within a level, for its size.
    ConvergenceError
        If the iteration over several factors does not converge.
    """
    slopes = design.terms.slopes
    order = largest_first(moments, design.terms.absorbed, slopes)
    _check_memory(moments, order, sum(len(g.positions) for g in parametrization.groups), slopes)
    absorption = absorb(moments, parametrization.groups, order, rounding_error, slopes)
    _check_slopes(absorption, design, moments)
    return products_within(absorption, order, parametrization, squares, rounding_error)


def products_within(
    absorption: Absorption,
    order: tuple[str, ...],
    parametrization: Parametrization,
    squares: Vector,
    rounding_error: float,
    least: Vector | float = 0.0,
) -> PartialledOut:
    """The normal equations from an elimination; parameters as of `partial_out`.

    least : (p + 1,) squares up to which a column counts as zero, whatever the rounding errors of its sums.
    """
    squares = squares + _amplified(absorption, parametrization)
    products = pair(absorption.products)
    if parametrization.subspace is not None:
        products = sandwich([maps.sparse(c) for c in parametrization.subspace], absorption.products)
    # rounding errors are relative to the sums before partialling out, not to what is left of them
    vanished = products.hi.diagonal() <= np.maximum(SAFETY * rounding_error * squares, least)
    for half in products:
        half[vanished], half[:, vanished] = 0.0, 0.0
    return PartialledOut(products, absorption, order, _with_explained(squares, products.hi.diagonal()))


def _with_explained(squares: Vector, within: Vector) -> Vector:
    """Squares R^2 with which g R_i R_j bounds the errors of products within levels, (p + 1,).

    They are differences of two sums, both rounded: of the rows, and of what the levels explain. As where the constant
    is partialled out, the lengths of both count.

    squares : (p + 1,) before partialling out. within : (p + 1,) what is left.
    """
    explained = np.maximum(squares - np.maximum(within, 0.0), 0.0)
    return np.asarray((np.sqrt(squares) + np.sqrt(explained)) ** 2)


def _check_slopes(absorption: Absorption, design: Design, moments: Moments) -> None:
    """Raise NumericalError where it cannot be seen whether a variable varies within a level, as it does elsewhere."""
    for name, own in absorption.factors.items():
        if own is None or not own.hidden.any():
            continue
        level, k = np.argwhere(own.hidden)[0]
        at, variables = int(k) - own.has_intercept, design.terms.slopes[name].variables
        variable, others, n = variables[at], " and ".join(variables[:at]), int(own.hidden[:, k].sum())
        beside = f" beside {others}" if at else ""
        if n == len(own.hidden):
            remedy = f"absorb {name} without {variable}, or subtract from it first what is constant in each level"
        elif at:
            remedy = f"leave {variable} out, or the levels where it is a combination of {others}"
        else:
            remedy = f"subtract from {variable} its mean in each level, which leaves slopes as they are"
        raise NumericalError(
            f"{variable} varies by less than a millionth of its size{beside}, if at all, in {n:,} of "
            f"{len(own.hidden):,} levels of {name}, such as {moments.levels[name][int(level)]}: whether it has a slope "
            f"there is lost in rounding errors; {remedy}"
        )


def _amplified(absorption: Absorption, parametrization: Parametrization) -> Vector | float:
    """Squares (p + 1,) of the solved columns and the response by which errors of slopes exceed what they explain."""
    extra = absorption.amplified
    if isinstance(extra, float) or parametrization.subspace is None:
        return extra
    K = dense([maps.sparse(c) for c in parametrization.subspace], len(extra))
    return np.asarray((np.sqrt(extra) @ np.abs(K)) ** 2)


def largest_first(
    moments: Moments, factors: tuple[str, ...], slopes: Mapping[str, Slopes] = NO_SLOPES
) -> tuple[str, ...]:
    """Factors in the order of elimination, the one with most levels first: its block is diagonal and costs nothing."""
    return tuple(sorted(factors, key=lambda f: -len(moments.levels[f]) * (len(slopes[f]) if f in slopes else 1)))


def _check_memory(moments: Moments, factors: tuple[str, ...], columns: int, slopes: Mapping[str, Slopes]) -> None:
    """Raise DataError if the sums of `columns` columns over all levels do not fit into memory."""
    levels = sum(len(moments.levels[f]) * (len(slopes[f].monomials) if f in slopes else 1) for f in factors)
    limit = memory_limit()
    if 8 * LIVE_ARRAYS * levels * (columns + 1) > limit:
        raise DataError(
            f"absorbing '{factors[0]}' needs sums of {columns:,} columns over {levels:,} levels, more than fit into "
            f"memory ({limit:,} bytes are free for it); leave columns out or group rare levels"
        )


def explained_by(text: str, factors: tuple[str, ...]) -> str:
    """The combination that a dependent column equals, with the levels of absorbed factors as a part of it."""
    levels = f"levels of {' and '.join(factors)}"
    return f"a combination of the {levels}" if text == "0" else f"{text}, but for the {levels}"


def check_absorbed(absorbed: Absorbed, *, needs_covariance: bool) -> None:
    """Raise OptionError for a prediction that is not defined with absorbed factors.

    needs_covariance : whether it has an interval or a leverage.
    """
    names = " and ".join(absorbed.levels)
    if needs_covariance:
        raise OptionError(
            f"intervals and leverages need the covariance of the levels of {names}, which absorbing does without; "
            "predict without an interval, or write the factor as a term"
        )
    if not absorbed.connected:
        raise OptionError(
            f"the levels of {names} have effects that are determined only for combinations that occur together; "
            "predict from a fit with one absorbed factor, or write the smaller ones as terms"
        )
