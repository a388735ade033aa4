"""The plan of a curve: what it reads, how often, and why."""

from __future__ import annotations

from collections.abc import Sequence

from gramian.errors import DataError, listing
from gramian.fit.curve.fit import parsed_curve
from gramian.fit.curve.options import CurveOptions, bounds_of, start_of
from gramian.fit.passes.plan import BATCH, FIXED, Plan
from gramian.fit.passes.runner import PassRunner
from gramian.formula.curve import Curve


def plan_curve(formula: str, options: CurveOptions, runner: PassRunner) -> Plan:
    """The plan of a curve; reads no rows. Raises what the fit would raise before its first pass."""
    source, threads = runner.source, runner.threads
    if not source.rereadable:
        raise DataError("these data can be read once only, but a curve is fitted in several passes")
    curve, _ = parsed_curve(formula, source.schema, options)
    start_values = start_of(options.start, curve.names, *bounds_of(options.bounds, curve.names))
    columns, width = curve.design.columns, len(curve.names) + 1
    return Plan(
        formula=formula,
        inputs=source.inputs,
        rows=source.rows,
        size=source.size,
        units=len(source.units) if isinstance(source.units, Sequence) else None,
        columns=columns,
        available=source.schema.count,
        passes=options.max_passes,
        threads=threads,
        stored=width,
        factors=(),
        # each thread holds a batch, its columns, and copies of both for the factorisation
        memory=threads * 4 * BATCH * (len(columns) + width) * 8 + FIXED,
        solver="Gauss-Newton in a trust region, on the triangular factor of the derivatives",
        notes=_notes(curve, tuple(start_values)),
        expected=f"as many as the search takes, {options.max_passes} at most; every trial point costs one",
        holds=f"{width} x {width} triangle of the derivatives by {listing(curve.names)}, and the residual",
    )


def _notes(curve: Curve, start_names: tuple[str, ...]) -> tuple[str, ...]:
    """Notes of the plan, one sentence each."""
    start = f"the search begins at the values given for {listing(start_names)}" if start_names else ""
    if not start_names and curve.curve_name is not None:
        start = f"'{curve.curve_name}' finds its own start, from a sample that one cheap pass draws"
    linear = [curve.names[at] for at in curve.shape.linear]
    solved = f"the curve is linear in {listing(linear)}: solved exactly at every point" if linear else ""
    stop = "it stops when the error of the parameters is below the tolerance in standard errors"
    return tuple(filter(None, (start, solved, stop, "rows with a missing or infinite value are left out and counted")))
