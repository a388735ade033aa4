"""Absorbed factors in a linear fit: the system after they are partialled out, and estimates of their effects.

By the theorem of Frisch, Waugh and Lovell the coefficients of the other columns are those of the regression of
residuals on residuals, after every column and the outcome has been regressed on the levels of the factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.errors import DataError, OptionError
from gramian.fit.passes.memory import memory_limit
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.absorb.partial_out import Absorption, absorb
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate
from gramian.linalg.solve import SAFETY
from gramian.linalg.subspace import sandwich
from gramian.typing import Vector

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
    """

    levels: Mapping[str, int]
    rank: int
    exact: bool
    singletons: Mapping[str, int]
    tss: float
    effects: Mapping[str, Vector]
    connected: bool


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
    """

    products: Pair
    absorption: Absorption
    order: tuple[str, ...]
    squares: Vector


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
    ConvergenceError
        If the iteration over several factors does not converge.
    """
    order = largest_first(moments, design.terms.absorbed)
    _check_memory(moments, order, sum(len(g.positions) for g in parametrization.groups))
    absorption = absorb(moments, parametrization.groups, order, rounding_error)
    products = pair(absorption.products)
    if parametrization.subspace is not None:
        products = sandwich([maps.sparse(c) for c in parametrization.subspace], absorption.products)
    # rounding errors are relative to the sums before partialling out, not to what is left of them
    vanished = products.hi.diagonal() <= SAFETY * rounding_error * squares
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


def largest_first(moments: Moments, factors: tuple[str, ...]) -> tuple[str, ...]:
    """Factors in the order of elimination, the one with most levels first: its block is diagonal and costs nothing."""
    return tuple(sorted(factors, key=lambda f: -len(moments.levels[f])))


def _check_memory(moments: Moments, factors: tuple[str, ...], columns: int) -> None:
    """Raise DataError if the sums of `columns` columns over all levels do not fit into memory."""
    levels, limit = sum(len(moments.levels[f]) for f in factors), memory_limit()
    if 8 * LIVE_ARRAYS * levels * (columns + 1) > limit:
        raise DataError(
            f"absorbing '{factors[0]}' needs sums of {columns:,} columns over {levels:,} levels, more than fit into "
            f"memory ({limit:,} bytes are free for it); leave columns out or group rare levels"
        )


def absorbed_estimates(
    moments: Moments,
    design: Design,
    parametrization: Parametrization,
    partialled_out: PartialledOut,
    coefficients: Vector,
) -> Absorbed:
    """Estimates and degrees of freedom of the absorbed factors.

    coefficients : (q - 1,) of the stored columns without the response, in units of the outcome.
    """
    names = design.terms.absorbed
    (response,) = design.outcome
    absorption, levels = partialled_out.absorption, {name: len(moments.levels[name]) for name in names}
    return Absorbed(
        levels=levels,
        rank=absorption.rank,
        exact=absorption.exact,
        singletons=singletons(moments, names),
        tss=float(partialled_out.products.hi[-1, -1]) * parametrization.scale * parametrization.scale,
        effects=_effects(moments, parametrization, partialled_out, coefficients, design.coordinates[response]),
        connected=are_connected(absorption, levels),
    )


def singletons(moments: Moments, names: tuple[str, ...]) -> dict[str, int]:
    """Absorbed factor -> number of its levels with a single row."""
    return {name: int((moments.tables[(name,)].rows == 1).sum()) for name in names}


def are_connected(absorption: Absorption, levels: Mapping[str, int]) -> bool:
    """Whether the only relations of levels are that the indicators of each factor sum to the constant.

    levels : absorbed factor -> number of its levels.
    """
    return absorption.exact and absorption.rank == sum(levels.values()) - (len(levels) - 1)


def _effects(
    moments: Moments,
    parametrization: Parametrization,
    partialled_out: PartialledOut,
    coefficients: Vector,
    coordinate: Coordinate,
) -> dict[str, Vector]:
    """Effects of the levels of each factor, (levels,), in units of the outcome. coordinate : that of the response."""
    v = np.append(-coefficients, 2.0**coordinate.exponent)
    first, others = partialled_out.absorption.effects(v, careful=True)
    # the effects of the first factor include the mean, and with it the outcome's shift; else `Predictor.shift` adds it
    if parametrization.subspace is not None:
        first = first + coordinate.shift
    effects, start = {partialled_out.order[0]: first}, 0
    for name in partialled_out.order[1:]:
        size = len(moments.levels[name])
        effects[name] = others[start : start + size]
        start += size
    return effects


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
