"""Absorbed factors in a linear fit: what is solved when they are swept out, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.errors import DataError, OptionError
from gramian.fit.passes.limits import memory_limit
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

LIVE_ARRAYS = 4  # arrays of levels x columns that are alive at once


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What is told of absorbed factors.

    levels : factor -> how many, in the order of the formula. rank : dimension of their span, what they cost in degrees
    of freedom; `exact` False where it is an upper bound. singletons : rows that are alone in a level of a factor.
    tss : sum of squares of the outcome within the levels. effects : factor -> what is added to a prediction for each
    level (in the order of the design's levels). joined : whether every combination of levels can be predicted.
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
    """The system that absorbing leaves. products : of the columns that are solved for and the response.

    order : the factors, the largest first.
    """

    products: Pair
    absorption: Absorption
    order: tuple[str, ...]


def partial_out(
    moments: Moments, design: Design, parametrization: Parametrization, squares: Vector, rounding_error: float
) -> PartialledOut:
    """Absorb the factors of a design. squares : of the columns that are solved for, as they were summed.

    A column of which nothing is left but rounding is set to zero, so that it is found to be dependent.
    Raises DataError where the levels do not fit into memory, ConvergenceError.
    """
    order = largest_first(moments, design.terms.absorbed)
    _check_memory(moments, order, sum(len(g.positions) for g in parametrization.groups))
    absorption = absorb(moments, parametrization.groups, order, rounding_error)
    products = pair(absorption.products)
    if parametrization.subspace is not None:
        products = sandwich([maps.sparse(c) for c in parametrization.subspace], absorption.products)
    vanished = products.hi.diagonal() <= SAFETY * rounding_error * squares
    for half in products:
        half[vanished], half[:, vanished] = 0.0, 0.0
    return PartialledOut(products, absorption, order)


def largest_first(moments: Moments, factors: tuple[str, ...]) -> tuple[str, ...]:
    """Factors in the order in which they are swept out."""
    return tuple(sorted(factors, key=lambda f: -len(moments.levels[f])))


def _check_memory(moments: Moments, factors: tuple[str, ...], columns: int) -> None:
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
    """What is told of the absorbed factors.

    stored : (q - 1,) coefficients of the stored columns but the response, in units of the outcome.
    """
    names = design.terms.absorbed
    (response,) = design.outcome
    tables = {name: moments.tables[(name,)] for name in names}
    absorption, levels = partialled_out.absorption, {name: len(moments.levels[name]) for name in names}
    return Absorbed(
        levels=levels,
        rank=absorption.rank,
        exact=absorption.exact,
        singletons={name: int((table.rows == 1).sum()) for name, table in tables.items()},
        tss=float(partialled_out.products.hi[-1, -1]) * parametrization.scale**2,
        effects=_effects(moments, parametrization, partialled_out, coefficients, design.coordinates[response]),
        connected=absorption.exact and absorption.rank == sum(levels.values()) - (len(names) - 1),
    )


def _effects(
    moments: Moments,
    parametrization: Parametrization,
    partialled_out: PartialledOut,
    coefficients: Vector,
    coordinate: Coordinate,
) -> dict[str, Vector]:
    v = np.append(-coefficients, 2.0**coordinate.exponent)
    first, others = partialled_out.absorption.effects(v)
    if parametrization.subspace is not None:
        first = first + coordinate.shift
    effects, start = {partialled_out.order[0]: first}, 0
    for name in partialled_out.order[1:]:
        size = len(moments.levels[name])
        effects[name] = others[start : start + size]
        start += size
    return effects


def explained_by(text: str, factors: tuple[str, ...]) -> str:
    """The explanation of a dependent column, when the levels of absorbed factors are part of it."""
    levels = f"levels of {' and '.join(factors)}"
    return f"a combination of the {levels}" if text == "0" else f"{text}, but for the {levels}"


def check_absorbed(absorbed: Absorbed, *, needs_covariance: bool) -> None:
    """Raise OptionError for a prediction that a fit with absorbed factors cannot make."""
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
