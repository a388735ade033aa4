"""The plan of a curve: the steps that are run, in words and with reasons."""

from __future__ import annotations

from collections.abc import Sequence

from gramian.errors import listing
from gramian.fit.curve.fit import CurveSteps, curve_steps
from gramian.fit.curve.options import CurveOptions
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.plan import BATCH, FIXED, Plan


def plan_curve(formula: str, options: CurveOptions, runner: PassRunner) -> Plan:
    """The plan of a curve; reads no rows. Raises what the fit would raise before its first pass."""
    source, threads = runner.source, runner.threads
    steps = curve_steps(formula, options, source)
    curve = steps.curve
    vcov = options.vcov
    columns = tuple(dict.fromkeys((*curve.design.columns, *(() if vcov is None else vcov.clusters))))
    width = len(curve.names) + 1
    return Plan(
        formula=formula,
        inputs=source.inputs,
        rows=source.rows,
        size=source.size,
        units=len(source.units) if isinstance(source.units, Sequence) else None,
        columns=columns,
        available=source.schema.count,
        passes=options.max_passes + (vcov is not None),
        threads=threads,
        stored=width,
        factors=(),
        # each thread holds a batch, its columns, and copies of both for the factorisation
        memory=threads * 4 * BATCH * (len(columns) + width) * 8 + FIXED,
        solver="Gauss-Newton in a trust region, on the triangular factor of the derivatives",
        notes=(*_notes(steps), *([] if vcov is None else [f"{vcov.name}: one more pass for the scores"])),
        expected=f"as many as the search takes, {options.max_passes} at most; every trial point costs one",
        holds=f"{width} x {width} triangle of the derivatives by {listing(curve.names)}, and the residual",
    )


def _notes(steps: CurveSteps) -> tuple[str, ...]:
    """Notes of the plan, one sentence each."""
    curve, given = steps.curve, steps.start_values
    start = f"the search begins at the values given for {listing(given)}" if given else ""
    sampled = f"'{curve.curve_name}' finds its own start, from a sample that one cheap pass draws"
    linear = [curve.names[at] for at in curve.shape.linear]
    solved = f"the curve is linear in {listing(linear)}: solved exactly at every point" if linear else ""
    stop = "it stops when the error of the parameters is below the tolerance in standard errors"
    dropped = "rows with a missing or infinite value are left out and counted"
    return tuple(filter(None, (start, sampled if steps.samples else "", solved, stop, dropped)))
