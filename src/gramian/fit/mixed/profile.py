"""Profile-likelihood intervals of a mixed model, from one more pass or from the sums of a Gram."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from gramian.engines.choice import Engine, engine_of
from gramian.engines.fold import threads_for
from gramian.fit.mixed.designs import MixedDesigns, mixed_designs
from gramian.fit.mixed.fit import grouped_pass
from gramian.fit.mixed.profile_parameters import profiles_of
from gramian.fit.mixed.solution import MixedSolved
from gramian.fit.mixed.system import mixed_system
from gramian.fit.mixed.tables import component_table
from gramian.fit.panel.by_group import PanelSums
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import parse
from gramian.inference.normal import critical
from gramian.results.fitted_rows import FittedRows, rows_or_fitted


@runtime_checkable
class HasGroups(Protocol):
    """A Gram: sums by group for any mixed model of its columns."""

    def mixed_sums(self, formula: str) -> tuple[MixedDesigns, Design, PanelSums]:
        """The designs of a model, the joint one with coordinates, and its sums."""


def profile(
    mixed: MixedSolved,
    fitted: FittedRows,
    data: object,
    *,
    level: float,
    fixed: bool,
    engine: Engine | str | None,
) -> pa.Table:
    """The table of `MixedFit.profile`; parameters and errors as there."""
    z = critical(level, math.inf)
    before = mixed.structural
    options = Options(before.design.weight, before.design.count)
    if isinstance(data, HasGroups):
        designs, joint, sums = data.mixed_sums(before.formula)
    else:
        source = rows_or_fitted(data, fitted)
        designs = mixed_designs(parse(before.formula), source.schema, options)
        job = Job(designs.joint, options, PassRunner(source, engine_of(engine, source)))
        job.prepare()
        joint, sums = job.design, job.fold(grouped_pass(job, designs))
    sizes = {name: len(sums.total.moments.levels[name]) for name in joint.terms.coefficient_factors}
    with threads_for(checked_width(joint.terms, sizes)), np.errstate(under="ignore"):
        profiles = profiles_of(mixed, mixed_system(designs, joint, sums, options))
        rows = [*profiles.random(z), profiles.residual(z), *(profiles.fixed(z) if fixed else ())]
    return component_table(("group", "term", "with", "estimate", "conf_low", "conf_high"), rows)
