"""Plan of a derivation: what it will read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.data.source import source_of
from gramian.derivation.columns import MAX_COLUMNS
from gramian.derivation.polynomial import with_powers
from gramian.derivation.rows import MAX_ROWS
from gramian.engines.local import Local
from gramian.fit.linear.plan import plan_linear
from gramian.fit.passes.job import PassRunner, job_of
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan
from gramian.formula.grammar import parse


def plan_derive(formula: str, data: Any, *, polynomial: int | None = None) -> Plan:
    """Plan of `derive` with the same options; reads no rows. Raises what `derive` would raise before it reads."""
    source = source_of(data)
    if polynomial is not None:
        formula = with_powers(formula, source.schema, polynomial)
    job = job_of(parse(formula), Options(), PassRunner(source, Local(1)), absorbing=True)
    return replace(
        plan_linear(job, None),
        expected="1",
        holds=f"every row, {MAX_ROWS} at most, with {MAX_COLUMNS} columns at most",
        solver="exact elimination in fractions; every number is rounded once, when it is shown",
        notes=(
            "a derivation shows all matrices, so it is made for data that fit on a page",
            "a stored number counts as the shortest decimal that reads back as it",
            "rows with a missing or infinite value are left out and counted",
        ),
    )
