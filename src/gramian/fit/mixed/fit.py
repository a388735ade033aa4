"""Fits of mixed models: one pass, then a search over the covariance parameters, which needs no rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import block_diag

from gramian.engines.fold import threads_for
from gramian.errors import ConvergenceError
from gramian.fit.leastsquares.model_columns import ModelColumns, to_model_columns
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.mixed.components import components
from gramian.fit.mixed.designs import MixedDesigns
from gramian.fit.mixed.options import MixedOptions, check_options
from gramian.fit.mixed.solution import MixedSolved
from gramian.fit.mixed.system import MixedSystem, check_residuals, mixed_system
from gramian.fit.panel.accumulate import AccumulateGroups
from gramian.fit.panel.by_group import PanelSums
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.fit.vcov.job import cluster_memory
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.aliasing import basic_covariance
from gramian.linalg.mixed.criterion import Criterion, Evaluated, factor_of
from gramian.linalg.mixed.effects import conditional
from gramian.linalg.mixed.information import information
from gramian.linalg.mixed.search import Minimum, is_singular, minimum
from gramian.linalg.solve import Solution, embedded
from gramian.typing import Matrix


def fit_mixed(job: Job, designs: MixedDesigns, options: MixedOptions) -> MixedSolved:
    """Fit a mixed model.

    Parameters
    ----------
    job : Job
        The joint design, options and rows; `prepare` has not been called.
    designs : MixedDesigns
        The models.
    options : MixedOptions
        The likelihood.

    Raises
    ------
    NumericalError
        Without rows, for one group, or where the search does not converge.
    NotIdentifiedError
        Where columns of random effects depend on each other.
    """
    check_options(job.options)
    job.prepare()
    sums = job.fold(grouped_pass(job, designs))
    return solve_mixed(designs, job.design, sums, job.options, options, job.passes)


def grouped_pass(job: Job, designs: MixedDesigns) -> AccumulateGroups:
    """The pass: products with the columns of random effects by group. job : prepared."""
    shapes = frozenset((f, m) for d in designs.random for f, monomials in d.terms.blocks.items() for m in monomials)
    return AccumulateGroups(job.design, designs.by, cluster_memory(), shapes, job.options.drop)


def solve_mixed(
    designs: MixedDesigns,
    joint: Design,
    sums: PanelSums,
    options: Options,
    mixed_options: MixedOptions,
    passes: int = 1,
) -> MixedSolved:
    """The fit from the sums of a pass. joint : the design of the pass, with coordinates. Raises as `fit_mixed`."""
    sizes = {name: len(sums.total.moments.levels[name]) for name in joint.terms.coefficient_factors}
    with threads_for(checked_width(joint.terms, sizes)), np.errstate(under="ignore"):
        system = mixed_system(designs, joint, sums, options)
        check_residuals(system.products)
        criterion = criterion_of(system, reml=mixed_options.reml)
        found = minimum(criterion)
        if not found.converged:
            raise ConvergenceError(
                f"the search for the covariances of the random effects did not converge in {found.steps} steps: "
                "rescale the columns of random slopes, or take fewer random effects"
            )
        return _assembled(designs, system, criterion, found, options, passes)


def criterion_of(system: MixedSystem, *, reml: bool) -> Criterion:
    """The deviance of a model, restricted or not."""
    factor = factor_of([len(r.solved.names) for r in system.random])
    return Criterion(system.products, factor, system.ols.rows, reml)


@dataclass(frozen=True, slots=True)
class _FixedEffects:
    """The fixed effects in the model's columns.

    Attributes
    ----------
    solved : Solved
        The fit.
    columns : ModelColumns
        Maps to them.
    log_det : float
        log |X'V^-1 X|, V relative to the residual variance.
    """

    solved: Solved
    columns: ModelColumns
    log_det: float


def _assembled(
    designs: MixedDesigns,
    system: MixedSystem,
    criterion: Criterion,
    found: Minimum[Evaluated],
    options: Options,
    passes: int,
) -> MixedSolved:
    """The fit at the minimum."""
    b, square = found.sums.solved()
    info = information(criterion, found)
    fixed = _fixed_effects(system, found, options, passes)
    log_variance = math.log(square / criterion.df)
    random = components(system, criterion.factor, found.theta, log_variance, info)
    modes, errors = conditional(system.products, criterion.factor.matrix(found.theta), b, square / criterion.df)
    T = block_diag(*system.effects_to_model())
    return MixedSolved(
        structural=fixed.solved,
        by=designs.by,
        random=random,
        reml=criterion.reml,
        deviance=_deviance(system, criterion, found, fixed),
        sigma=math.sqrt(square / criterion.df) * system.unit,
        log_sigma_error=0.5 * math.sqrt(info.covariance[-1, -1]),
        parameters=info.covariance,
        derivatives=np.array([_in_model(system, fixed.columns, V) for V in info.derivatives]) * system.unit**2,
        groups=system.groups.values(),
        counts=system.groups.counts,
        effects=(T @ modes).T,
        effect_errors=np.sqrt(np.maximum(np.einsum("ij,jkg,ik->gi", T, errors, T), 0.0)),
        steps=found.steps,
        singular=is_singular(criterion, found.theta),
    )


def _fixed_effects(system: MixedSystem, found: Minimum[Evaluated], options: Options, passes: int) -> _FixedEffects:
    """The fixed effects at the minimum, in the model's columns."""
    ols, own = system.ols, system.ols.solution
    b, square = found.sums.solved()
    inverse = np.linalg.inv(found.sums.A[:-1, :-1])
    coefficients = np.zeros(len(ols.names))
    coefficients[system.kept] = b * system.scale[:-1] / system.scale[-1]
    V = embedded(inverse * system.scale[:-1, None] * system.scale[:-1], own.independent)
    solution = Solution(
        coefficients=coefficients,
        inverse=V,
        independent=own.independent,
        null=own.null,
        rss=square / system.scale[-1] ** 2,
        condition=own.condition,
        leverage=own.leverage,
    )
    columns = to_model_columns(
        ols.parametrization, solution, system.system.products, ols.names, options.collinear, None
    )
    solved = replace(
        ols,
        solution=solution,
        coefficients=columns.coefficients,
        inverse=columns.inverse,
        inverse_roots=columns.inverse_roots,
        identified=columns.identified,
        aliased=columns.aliased,
        rss=solution.rss * ols.parametrization.scale**2,
        passes=passes,
        accuracy=None,
        robust=None,
    )
    return _FixedEffects(solved, columns, _log_det(system, inverse, columns))


def _log_det(system: MixedSystem, inverse: Matrix, columns: ModelColumns) -> float:
    """log |X'V^-1 X| of the model's columns that are identified. inverse : of that of the scaled columns."""
    if len(columns.positions):
        kept = columns.identified
        return -float(np.linalg.slogdet(columns.inverse[np.ix_(kept, kept)])[1])
    T = None if columns.map is None else maps.multiply(columns.map, np.eye(len(columns.coefficients)))
    change = 0.0 if T is None else float(np.linalg.slogdet(T)[1])
    return -float(np.linalg.slogdet(inverse)[1]) - 2.0 * (float(np.log(system.scale[:-1]).sum()) + change)


def _deviance(system: MixedSystem, criterion: Criterion, found: Minimum[Evaluated], fixed: _FixedEffects) -> float:
    """-2 log-likelihood, or that of the restricted likelihood."""
    df, rss = criterion.df, fixed.solved.rss
    out = float(found.sums.log_det) + df * (1.0 + math.log(2.0 * math.pi * rss / df)) - system.ols.log_weight
    return out + fixed.log_det if criterion.reml else out


def _in_model(system: MixedSystem, columns: ModelColumns, V: Matrix) -> Matrix:
    """A covariance (r, r) of the scaled columns' coefficients as one of the model's, (p, p)."""
    own = embedded(V * system.scale[:-1, None] * system.scale[:-1], system.ols.solution.independent)
    if columns.map is not None:
        own = maps.congruence(columns.map, own)
    if len(columns.positions):
        own = basic_covariance(own, columns.positions, columns.null)
        own[columns.positions], own[:, columns.positions] = 0.0, 0.0
    return own
