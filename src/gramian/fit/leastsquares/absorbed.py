"""Absorbed factors in a linear fit: the system after they are partialled out, and estimates of their effects.

By the theorem of Frisch, Waugh and Lovell the coefficients of the other columns are those of the regression of
residuals on residuals, after every column and the outcome has been regressed on the levels of the factors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gramian.errors import DataError, NumericalError, OptionError
from gramian.fit.passes.memory import memory_limit
from gramian.formula.coding import Levels, ModelColumn
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.absorb.partial_out import Absorption, absorb
from gramian.linalg.absorb.slopes import NO_SLOPES, Slopes
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, Coordinate
from gramian.linalg.products import without_last
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
    squares = squares + _amplified(absorption, parametrization)
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
    effects, slopes = _effects(design, parametrization, partialled_out, coefficients, design.coordinates[response])
    return Absorbed(
        levels=levels,
        rank=absorption.rank,
        exact=absorption.exact,
        singletons=singletons(moments, names),
        tss=_within(partialled_out, parametrization.constant) * parametrization.scale * parametrization.scale,
        effects=effects,
        connected=are_connected(absorption, levels),
        slopes=slopes,
        zeros=zeros_of(absorption, design.terms.slopes),
    )


def _within(partialled_out: PartialledOut, constant: int | None) -> float:
    """Sum of squares of the outcome within the levels, about the mean where slopes alone are absorbed."""
    products = partialled_out.products.hi
    if constant is None or not products[constant, constant] > 0.0:
        return float(products[-1, -1])
    return float(products[-1, -1] - products[-1, constant] ** 2 / products[constant, constant])


def constant_beside(
    columns: Sequence[ModelColumn], levels: Levels, parametrization: Parametrization, stored: Vector, b: Vector
) -> float | None:
    """What stored columns add up to, less the model's columns, each with its coefficients: a constant, beside effects.

    It is that of a row with the first level of each factor, and every variable at its shift. stored : (q,) coefficients
    of the stored columns. b : (p,) of the model's. None where these are of contrasts.
    """
    if levels.contrasts:
        return None
    first = {name: order[0] for name, order in levels.order.items()}
    here = [all(first[f] == code for f, code in c.cell) for c in columns]
    own = sum(b[j] * float(c.polynomial.get(CONSTANT, 0)) for j, c in enumerate(columns) if here[j] and b[j] == b[j])
    total = 0.0
    for group in without_last(parametrization.groups):
        if CONSTANT in group.monomials:
            at = group.at(group.monomials.index(CONSTANT))
            is_first = (group.cells == [first[f] for f in group.factors]).all(axis=1)
            total += float(stored[at][is_first].sum())
    return total - float(own)


def singletons(moments: Moments, names: tuple[str, ...]) -> dict[str, int]:
    """Absorbed factor -> number of its levels with a single row."""
    return {name: int((moments.tables[(name,)].rows == 1).sum()) for name in names}


def are_connected(absorption: Absorption, levels: Mapping[str, int]) -> bool:
    """Whether the only relations of levels are that the indicators of each factor sum to the constant.

    levels : absorbed factor -> number of its levels.
    """
    functions = absorption.factors
    slopes = sum(own.rank - own.has_intercept * levels[name] for name, own in functions.items() if own)
    intercepts = [n for name, n in levels.items() if (own := functions.get(name)) is None or own.has_intercept]
    return absorption.exact and absorption.rank == sum(intercepts) - max(len(intercepts) - 1, 0) + slopes


def _effects(
    design: Design,
    parametrization: Parametrization,
    partialled_out: PartialledOut,
    coefficients: Vector,
    coordinate: Coordinate,
) -> tuple[dict[str, Vector], dict[str, dict[str, Vector]]]:
    """Effects of the levels of each factor, (levels,), in units of the outcome, and the slopes of those that have any.

    coordinate : that of the response.
    """
    v = np.append(-coefficients, 2.0**coordinate.exponent)
    absorption, intercepts = partialled_out.absorption, design.terms.absorbed_intercepts
    if parametrization.subspace is not None and not intercepts and coordinate.shift:
        (constant,) = (g.at(g.monomials.index(CONSTANT)) for g in parametrization.groups if not g.factors)
        v[constant] += coordinate.shift  # slopes alone explain a part of it
    by_monomial = absorption.monomial_effects(v, careful=True)
    effects = {name: own[0] for name, own in by_monomial.items()}
    # the effects of the first factor include the mean, and with it the outcome's shift; else `Predictor.shift` adds it
    if parametrization.subspace is not None and intercepts:
        first = next(name for name in partialled_out.order if name in intercepts)
        effects[first] = effects[first] + coordinate.shift
    return effects, slopes_of_factors(absorption, by_monomial, design)


def slopes_of_factors(
    absorption: Absorption, effects: Mapping[str, Matrix], design: Design
) -> dict[str, dict[str, Vector]]:
    """`Absorbed.slopes`: in units of the variables, NaN where not identified. effects : (J, levels) of monomials."""
    return {
        name: {
            variable: np.where(good, np.ldexp(slope, -design.coordinates[variable].exponent), np.nan)
            for variable, good, slope in zip(
                design.terms.slopes[name].variables,
                own.identified.T[int(own.has_intercept) :],
                effects[name][1:],
                strict=True,
            )
        }
        for name, own in absorption.factors.items()
        if own is not None
    }


def zeros_of(absorption: Absorption, slopes: Mapping[str, Slopes]) -> dict[str, dict[str, Matrix]]:
    """`Absorbed.zeros`, from the functions of the levels."""
    out = {}
    for name, own in absorption.factors.items():
        if own is not None:
            zero = own.zero[int(own.has_intercept) :]
            found = dict(zip(slopes[name].variables, zero, strict=True))
            out[name] = {v: np.ascontiguousarray(z) for v, z in found.items() if not np.isnan(z).all()}
    return {name: by for name, by in out.items() if by}


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
