"""The sums of a mixed model again, from its rows or a Gram, for what its result does not keep."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np

from gramian.engines.choice import Engine, engine_of
from gramian.engines.fold import threads_for
from gramian.errors import DataError
from gramian.fit.mixed.designs import MixedDesigns, mixed_designs
from gramian.fit.mixed.fit import criterion_of, grouped_pass
from gramian.fit.mixed.solution import MixedSolved
from gramian.fit.mixed.system import MixedSystem, mixed_system
from gramian.fit.panel.by_group import PanelSums
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import parse
from gramian.linalg.mixed.criterion import Evaluated
from gramian.linalg.mixed.search import Minimum, minimum
from gramian.results.fitted_rows import FittedRows, rows_or_fitted

SAME = 1e-6  # relative difference of the residual standard deviation of the same rows


@runtime_checkable
class HasGroups(Protocol):
    """A Gram: sums by group for any mixed model of its columns."""

    def mixed_sums(self, formula: str) -> tuple[MixedDesigns, Design, PanelSums]:
        """The designs of a model, the joint one with coordinates, and its sums."""


@contextmanager
def system_again(
    mixed: MixedSolved, fitted: FittedRows, data: object, engine: Engine | str | None
) -> Iterator[tuple[MixedSystem, Minimum[Evaluated]]]:
    """The products of a fit, and the minimum of its deviance, to compute with in the threads of a fit.

    data : its rows, a Gram with its sums, or None for the rows that it was made of. Raises DataError for other rows.
    """
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
        system = mixed_system(designs, joint, sums, options)
        criterion = criterion_of(system, reml=mixed.reml)
        found, rows = minimum(criterion), system.ols.rows
        sigma = math.sqrt(found.sums.solved()[1] / criterion.df) * system.unit
        if rows != before.rows or abs(sigma - mixed.sigma) > SAME * mixed.sigma:
            raise DataError(
                f"these are not the rows of the fit: it has {before.rows:,} with residuals of standard deviation "
                f"{mixed.sigma:.8g}, and here {rows:,} are complete, with {sigma:.8g}"
            )
        yield system, found
