"""Errors of curves that cannot be fitted: checks, and messages that say what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.errors import NotIdentifiedError, NumericalError, listing
from gramian.fit.curve.accumulate import CurveSums, Undefined
from gramian.fit.curve.loop import SearchResult
from gramian.fit.curve.step import Point
from gramian.fit.curve.trust_region import RANK
from gramian.formula.curves.curve import Curve
from gramian.typing import Vector

INVOLVED = 0.1  # share of a direction above which a parameter is named


def check_rows(curve: Curve, sums: CurveSums) -> None:
    """Raise NumericalError where no rows are left, NotIdentifiedError for fewer complete rows than parameters."""
    if not sums.rows:
        causes = ", ".join(f"{n:,} {cause}" for cause, n in sums.dropped_rows.by_cause.items())
        why = f" ({sums.dropped_rows.total:,} were left out: {causes})" if causes else ""
        raise NumericalError(f"no rows are left to fit '{curve.formula}'{why}")
    if sums.rows < len(curve.names):
        raise NotIdentifiedError(f"{len(curve.names)} parameters need at least as many rows; {sums.rows} are complete")


def not_defined(curve: Curve, start: Vector, undefined: Undefined) -> str:
    """The message for a start at which the curve is not finite in some row. start : (p,)."""
    # those that the curve is linear in have no start
    searched = list(curve.shape.nonlinear)
    values = format_parameters([curve.names[at] for at in searched], start[searched])
    place = f"at the start {values} " if searched else ""
    if not undefined.rows:
        return f"{place}squares of the curve overflow; rescale the outcome"
    file = f"{undefined.where}, " if undefined.where else ""
    inputs = ", ".join(f"{name} = {value:g}" for name, value in undefined.inputs.items())
    where = f"{file}row {undefined.row}" + (f" ({inputs})" if inputs else "")
    return (
        f"{place}the curve {curve.equation} or one of its derivatives is "
        f"not finite in {undefined.rows:,} rows, first in {where}; start elsewhere"
    )


def check_effects(curve: Curve, point: Point) -> None:
    """Raise NotIdentifiedError where some parameter changes the curve in no row at the start."""
    without_effect = [
        name for name, length in zip(curve.names, np.linalg.norm(point.J, axis=0), strict=True) if length == 0
    ]
    if without_effect:
        verb = "has" if len(without_effect) == 1 else "have"
        quoted = [f"'{name}'" for name in without_effect]
        raise NotIdentifiedError(
            f"at the start {format_parameters(curve.names, point.beta)}, {listing(quoted)} {verb} no effect on the "
            "curve in any row; start elsewhere (not at a point where the curve is flat), or leave the parameter out"
        )


def not_converged(curve: Curve, end: SearchResult) -> str:
    """The message for a search that did not converge: why it ended, and what to try."""
    last = format_parameters(curve.names, end.point.beta)
    if end.reason == "passes":
        why = f"no convergence after {end.passes} passes: one more step would move the curve by "
        why += f"{end.distance:.3g} standard errors"
    else:
        why = f"no convergence: after {end.passes} passes no step, however small, lowers the sum of squares, though "
        why += f"the slope says that one of {end.distance:.3g} standard errors would"
    facts = [f"last: {last}, sum of squares {end.point.loss:.6g}"]
    if end.undefined:
        facts.append(f"at {end.undefined} trial points the curve was not finite")
    undetermined = _undetermined(curve, end.point)
    if undetermined:
        facts.append(f"there the data hardly determine {listing(undetermined)}")
    more = f", or more passes (max_passes={2 * end.passes})" if end.reason == "passes" else ""
    return f"{why}; {'; '.join(facts)}. Try another start, bounds, a simpler curve{more}"


def not_determined(names: Sequence[str], direction: Vector) -> str:
    """The message for parameters that can move together without moving the curve. direction : (p,) of that move."""
    involved = _involved(names, direction)
    if len(involved) == 1:
        return f"the data do not determine '{involved[0]}': the curve does not change with it; leave it out"
    return (
        f"the data do not determine {listing(involved)} one by one: the curve does not change when they move together; "
        "write a number for one of them, or leave it out"
    )


def format_parameters(names: Sequence[str], values: Vector, digits: int = 6) -> str:
    """Text with name = value for each parameter, joined by commas. values : (p,)."""
    return ", ".join(f"{name} = {value:.{digits}g}" for name, value in zip(names, values.tolist(), strict=True))


def _involved(names: Sequence[str], direction: Vector) -> list[str]:
    """Names of the parameters with a large share in a direction, (p,)."""
    return [n for n, share in zip(names, np.abs(direction), strict=True) if share > INVOLVED * np.abs(direction).max()]


def _undetermined(curve: Curve, point: Point) -> list[str]:
    """Names of the parameters that the data hardly determine at a point; none where the derivatives are independent."""
    lengths = np.linalg.norm(point.J, axis=0)
    # columns of length one, so that the result does not depend on the units of the parameters
    _, s, Vt = np.linalg.svd(point.J / np.where(lengths > 0, lengths, 1.0), full_matrices=False)
    return _involved(curve.names, Vt[-1]) if s[-1] <= np.sqrt(RANK) * s[0] else []
