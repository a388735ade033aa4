"""Fits of one design to many sums at once: the numbers of `first_solution` in a fraction of its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import fsum

import numpy as np

from gramian.fit.leastsquares.accuracy import (
    FAST,
    LARGEST,
    SMALLEST,
    Accuracy,
    BoundedSolution,
    ErrorBounds,
    Quantities,
)
from gramian.fit.leastsquares.model_columns import ModelColumns
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import error_of_sums, fit_of, rows_entered
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.options import Options
from gramian.formula.coding import highest_degree
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import CodedDesign
from gramian.linalg.certificate import EPS, SUBNORMAL, underflow_error
from gramian.linalg.doubledouble import two_product
from gramian.linalg.keyed.solve import Stack, solve_stack
from gramian.linalg.maps import SAFE_RANGE, ExactMap
from gramian.typing import Mask, Matrix, Vector


def fits_of(code: CodedDesign, sums: Sequence[Accumulated], options: Options) -> list[Solved | None]:
    """The fit of each of several sums; None where it is to be made alone, as with aliased columns.

    code : the design with levels, which all sums share.
    """
    if not sums or not _is_stackable(code, options):
        return [None] * len(sums)
    moments = [s.moments for s in sums]
    (group,) = code.parametrization.groups
    place = {m: i for i, m in enumerate(moments[0].layout.rows)}
    at = np.empty(len(group.positions), np.int64)
    at[group.positions] = [place[m] for m in group.monomials]
    products = np.stack([m.dense for m in moments])[:, at[:, None], at]
    degree = highest_degree(code.columns)
    sum_error = np.array(
        [
            error_of_sums(m, 0, degree) + underflow_error(rows_entered(m), S.diagonal())
            for m, S in zip(moments, products, strict=True)
        ]
    )
    rows = np.array([m.rows for m in moments])
    with np.errstate(all="ignore"):  # what leaves the range of float64 is fitted alone
        stack = solve_stack(products, code.parametrization.constant, sum_error, rows)
        fitted = _in_model_columns(code.parametrization, stack, rows - len(code.names))
        digits, std_error_digits, rss_digits, enough = fitted.quantities.digits(options.digits)
    out: list[Solved | None] = []
    for i, accumulated in enumerate(sums):
        if not fitted.usable[i]:
            out.append(None)
            continue
        bounded = BoundedSolution(stack.at(i), ErrorBounds(fitted.errors[i], float(fitted.rss_errors[i])), 1)
        accuracy = Accuracy(
            FAST,
            options.digits,
            digits[i],
            std_error_digits[i],
            float(rss_digits[i, 0]),
            fitted.low[i],
            bool(enough[i].all()),
        )
        out.append(fit_of(code, accumulated, options, bounded, fitted.columns(i, code.parametrization), accuracy))
    return out


def _is_stackable(code: CodedDesign, options: Options) -> bool:
    """Whether fits are made together: of least squares, in numbers alone, that are solved for as they were summed."""
    terms, parametrization = code.design.terms, code.parametrization
    special = terms.factors or terms.absorbed or terms.power_sums or terms.rounded_times or options.alpha is not None
    slopes = len(code.columns) - (parametrization.constant is not None)
    return not special and parametrization.subspace is None and len(parametrization.groups) == 1 and slopes > 0


@dataclass(frozen=True, slots=True)
class StackedColumns:
    """Solutions of w fits in the model's p columns.

    Attributes
    ----------
    usable : (w,) bool
        Which fits have finite numbers.
    errors : (w, p)
        Bounds of the errors of the solved coefficients.
    rss_errors : (w,)
        Bounds of those of the residual sums of squares, in the scale that was solved in.
    low : (w, p)
        Low parts of the coefficients.
    inverse : (w, p, p)
        Inverses of the products.
    quantities : Quantities
        What digits are made of; the coefficients among it.
    """

    usable: Mask
    errors: Matrix
    rss_errors: Vector
    low: Matrix
    inverse: Matrix
    quantities: Quantities

    def columns(self, i: int, parametrization: Parametrization) -> ModelColumns:
        """The solution of one fit."""
        p = self.low.shape[1]
        return ModelColumns(
            self.quantities.coefficients[i],
            self.low[i],
            self.inverse[i],
            np.ones(p, bool),
            {},
            np.zeros(0, np.int64),
            np.zeros((p, 0)),
            np.zeros(0),
            self.quantities.inverse_roots[i],
            parametrization.model_map,
            np.zeros(p, bool),
        )


def _in_model_columns(parametrization: Parametrization, stack: Stack, df_residual: Vector) -> StackedColumns:
    """All solutions in the model's columns, as `to_model_columns` and `certify` say. df_residual : (w,)."""
    T, scale, p = parametrization.model_map, parametrization.scale, stack.coefficients.shape[1]
    dense = np.eye(p) if T is None else np.zeros((p, p))
    if T is not None:
        dense[T.row_index, T.column_index] = T.hi
    absolute = np.abs(dense).T
    solved = stack.coefficients * scale
    coefficients, low, safe = _mapped(T, solved, _shift(parametrization, p))
    inverse = stack.inverse if T is None else dense @ stack.inverse @ dense.T
    lengths = np.sqrt(np.maximum(np.diagonal(stack.inverse, axis1=1, axis2=2), 0.0))
    roots = lengths if T is None else _roots(T, stack.inverse, lengths)
    errors, rss_errors = stack.errors(), stack.rss_errors()
    error = (
        (errors * scale) @ absolute
        + EPS * np.abs(coefficients)
        + np.where(np.abs(stack.coefficients) @ absolute > 0.0, SUBNORMAL, 0.0)
    )
    sensitivity = stack.sensitivity @ absolute / roots
    inverse_errors = (sensitivity * sensitivity) * (stack.rounding_error * stack.amplification)[:, None]
    inverse_errors = inverse_errors + 4.0 * EPS * (lengths @ absolute / roots) ** 2
    inverse_errors = np.where((roots > SMALLEST) & (roots < LARGEST), inverse_errors, np.inf)
    rss = stack.rss * scale * scale
    rss_error = rss_errors * scale * scale + np.where(stack.rss > 0.0, SUBNORMAL, 0.0)
    quantities = Quantities(
        coefficients, error, roots, inverse_errors, rss[:, None], rss_error[:, None], df_residual[:, None]
    )
    numbers = np.concatenate([coefficients, error, roots, inverse_errors, inverse.reshape(len(rss), -1)], axis=1)
    usable = stack.solved & safe & np.isfinite(numbers).all(axis=1)
    return StackedColumns(usable, errors, rss_errors, low, inverse, quantities)


def _shift(parametrization: Parametrization, p: int) -> list[tuple[float, float]]:
    """The coefficients (p,) of the shift of the response, as high and low parts."""
    shift = parametrization.response_shift
    high = [float(shift.get(j, 0)) for j in range(p)]
    return [(h, float(shift[j] - Fraction(h)) if j in shift else 0.0) for j, h in enumerate(high)]


def _mapped(T: ExactMap | None, b: Matrix, shift: Sequence[tuple[float, float]]) -> tuple[Matrix, Matrix, Mask]:
    """T b plus a shift, each element rounded once, with what rounding left, as of `maps.apply_adding`.

    b : (w, p). Returns (w, p), (w, p), and which of the w (w,) neither overflow nor lose rounding errors.
    """
    p = b.shape[1]
    rows, columns = (np.arange(p), np.arange(p)) if T is None else (T.row_index, T.column_index)
    hi, lo = (np.ones(p), np.zeros(p)) if T is None else (T.hi, T.lo)
    x = b[:, columns]
    safe = ((x == 0.0) | ((np.abs(x) >= 1 / SAFE_RANGE) & (np.abs(x) <= SAFE_RANGE))).all(axis=1)
    safe &= bool(((np.abs(hi) >= 1 / SAFE_RANGE) & (np.abs(hi) <= SAFE_RANGE)).all())
    high, low = two_product(np.broadcast_to(hi, x.shape), x)
    out, rest = np.zeros(b.shape), np.zeros(b.shape)
    out[:, rows], rest[:, rows] = high, low  # final in rows of one entry that is a float64
    for i in range(p):
        at = np.flatnonzero(rows == i)
        if len(at) > 1 or lo[at].any() or any(shift[i]):
            parts = np.concatenate([high[:, at], low[:, at], lo[at] * x[:, at]], axis=1)
            for window, summands in enumerate(parts.tolist()):
                if safe[window]:
                    out[window, i] = fsum([*summands, *shift[i]])
                    rest[window, i] = fsum([*summands, *shift[i], -out[window, i]])
    return out, rest, safe


def _roots(T: ExactMap, V: Matrix, lengths: Matrix) -> Matrix:
    """Square roots (w, p) of the diagonals of T V T', as of `maps.congruence_std`. lengths : those of V."""
    out = np.zeros(lengths.shape)
    out[:, T.row_index] = np.abs(T.hi) * lengths[:, T.column_index]  # final in rows of one entry
    for i, at in T.mixing_rows:
        t = T.hi[at]
        sizes = np.abs(t * lengths[:, T.column_index[at]]).max(axis=1)
        shares = t / sizes[:, None]
        own = V[:, T.column_index[at][:, None], T.column_index[at]]
        squares = np.einsum("wi,wij,wj->w", shares, own, shares)
        out[:, i] = sizes * np.sqrt(np.maximum(squares, 0.0))
    return out
