"""Plan of a comparison: what it will read, and how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gramian.comparison.methods import NAMES, STOCHASTIC
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.errors import one_of
from gramian.fit.linear.plan import plan_linear
from gramian.fit.passes.job import PassRunner, job_of
from gramian.fit.passes.options import NA, Options
from gramian.fit.passes.plan import Plan
from gramian.formula.grammar import parse


def plan_compare(
    formula: str,
    data: Any,
    *,
    methods: Iterable[str] | None = None,
    passes: int = 10,
    weights: str | None = None,
    counts: str | None = None,
    na: str = "drop",
    threads: int = 1,
) -> Plan:
    """Plan of `compare` with the same options; reads no rows.

    Raises what `compare` would raise before its first pass.
    """
    names = NAMES if methods is None else tuple(one_of("methods", m, NAMES) for m in methods)
    options = Options(weights, counts, one_of("na", na, NA) == "drop", "min-norm")
    job = job_of(parse(formula), options, PassRunner(source_of(data), Local(threads)), absorbing=True)
    plan = plan_linear(job, None)
    rows_too = STOCHASTIC in names
    sgd_passes = f", then up to {passes} for {STOCHASTIC}, with and without scaling" if rows_too else ""
    notes = ["a step of a method that uses the full gradient needs the moments only: rows are not read again for it"]
    if rows_too:
        notes.append(f"{STOCHASTIC} follows single rows, so it reads them again for each of its passes")
    return replace(
        plan,
        passes=1 + rows_too * passes,
        expected=f"1 for the moments{sgd_passes}",
        solver=f"{len(names)} methods beside each other: {', '.join(names)}",
        notes=(*notes, plan.notes[-1]),
    )
