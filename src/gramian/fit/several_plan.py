"""The plan of several fits from one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gramian.batch import Source
from gramian.fit.keys import By
from gramian.fit.options import Options
from gramian.fit.plan import Plan, notes_told, planned, readable, solver_told
from gramian.fit.prepare import design_for
from gramian.formula.design import Design


def plan_several(formula: str, source: Source, options: Options, threads: int, by: By | None) -> Plan:
    """What is read for all groups and outcomes; reads no rows. Raises what the fits would raise before the pass."""
    aside = () if by is None else by.columns
    design = design_for(formula, source.schema, options, aside=aside, several=True)
    if by is not None:
        by.check(source.schema)
    notes = (*notes_told(design, source, options), *_notes(design, by))
    plan = planned(design, source, threads, solver_told(options), notes)
    far = "; a second where groups lie far from each other" if by is not None and source.rereadable else ""
    columns = tuple(dict.fromkeys((*plan.columns, *aside)))
    return replace(plan, columns=columns, expected=plan.expected + far)


def _notes(design: Design, by: By | None) -> Iterator[str]:
    """What several outcomes and groups ask of the pass."""
    if len(design.outcome) > 1:
        names = ", ".join(name.removeprefix("~") for name in design.outcome)
        yield f"the outcomes {names} share the pass; a row enters where all of them are present"
    if by is not None:
        size = readable(8 * len(design.layout.rows) ** 2)
        yield f"the sums are kept apart for every value of {', '.join(by.names)}: {size} of products for each"
        yield "groups share a shift; one that lies far from it needs its own, which the first pass tells"
