"""Fits to panels: one pass leaves products within groups, and every estimator follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.fold import threads_for
from gramian.errors import NotIdentifiedError, NumericalError, OptionError
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, first_solution
from gramian.fit.panel.accumulate import AccumulateGroups
from gramian.fit.panel.by_group import PanelSums, SolvedColumns, solved_columns
from gramian.fit.panel.solution import BETWEEN, MUNDLAK, RANDOM, MeansTest, PanelSolved
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.fit.vcov.job import cluster_memory
from gramian.formula.design import Design
from gramian.inference.estimators import CR
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg import maps
from gramian.linalg.mixed.panel import (
    GroupColumns,
    Regression,
    VarianceComponents,
    between,
    random_effects,
    scores,
    swamy_arora,
)
from gramian.linalg.monomials import CONSTANT
from gramian.linalg.solve import Solution, embedded
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class PanelOptions:
    """What the user may ask of a fit to a panel.

    Attributes
    ----------
    estimator : str
        "between", "random" or "mundlak".
    panel : str
        Column that makes the groups.
    vcov : VcovSpec or None
        Covariance by group; None for that of the model.
    """

    estimator: str
    panel: str
    vcov: VcovSpec | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.panel, str):
            raise OptionError(f"panel must be the name of the column that makes the groups, found {self.panel!r}")
        if self.vcov is None:
            return
        if self.estimator == BETWEEN:
            raise OptionError("the between estimator has one row for each group, and no covariance by group")
        if self.vcov.kind not in CR[:2] or self.vcov.clusters != (self.panel,):
            raise OptionError(
                f"random effects have the covariance of the model, or one by group, vcov={{'cluster': "
                f"'{self.panel}'}}; found {self.vcov.name}"
            )


def fit_panel(job: Job, options: PanelOptions) -> PanelSolved:
    """Fit a panel.

    Parameters
    ----------
    job : Job
        Design, options and rows; `prepare` has not been called.
    options : PanelOptions
        The estimator.

    Raises
    ------
    NumericalError
        Without rows, for one group, or too few rows for the variances.
    NotIdentifiedError
        Where group means depend on each other, for the between estimator.
    """
    job.source.schema[options.panel]  # raises where there is none
    job.prepare()
    sums = job.fold(AccumulateGroups(job.design, (options.panel,), cluster_memory(), drop=job.options.drop))
    return solve_panel(job.design, sums, job.options, options, job.passes)


def solve_panel(design: Design, sums: PanelSums, options: Options, own: PanelOptions, passes: int = 1) -> PanelSolved:
    """The fit from the sums of a pass; parameters and errors as of `fit_panel`."""
    sizes = {name: len(sums.total.moments.levels[name]) for name in design.terms.coefficient_factors}
    with threads_for(checked_width(design.terms, sizes)):
        panel = _panel_of(design, sums, options)
        _check_groups(panel, own.panel)
        if own.estimator == BETWEEN:
            return _between(panel, own, passes)
        return _random(panel, own, passes)


@dataclass(frozen=True, slots=True)
class _Panel:
    """The products of a panel, and maps to the model's columns.

    Attributes
    ----------
    system, ols : System, Solved
        The regression of all rows.
    columns : GroupColumns
        Products of the solved columns that do not depend on others.
    kept : ndarray of int, shape (r,)
        Positions of these columns.
    to_model : ndarray of shape (p, r)
        Coefficients of the model's columns from those of the solved ones, NaN in rows of aliased ones.
    """

    system: System
    ols: Solved
    columns: GroupColumns
    kept: Codes
    to_model: Matrix

    @property
    def constant(self) -> int | None:
        """Position of the constant among the kept columns."""
        at = self.ols.parametrization.constant
        return None if at is None or at not in self.kept else int(np.flatnonzero(self.kept == at)[0])

    @property
    def scale(self) -> float:
        """Unit of the outcome that was solved for."""
        return float(self.ols.parametrization.scale)

    @property
    def shift(self) -> Vector:
        """What the shift of the outcome adds to the coefficients, (p,)."""
        out = np.zeros(len(self.ols.names))
        for i, c in self.ols.parametrization.response_shift.items():
            out[i] = float(c)
        return out


def _panel_of(design: Design, sums: PanelSums, options: Options) -> _Panel:
    """The products of a panel from the sums of a pass."""
    system, ols = first_solution(design, sums.total, options)
    groups = sums.groups.take(sums.groups.by_value())
    columns = solved_columns(ols.parametrization, ols.levels.names)
    constant = SolvedColumns((((), CONSTANT), columns.labels[-1]), None)
    kept = np.flatnonzero(ols.solution.independent)
    at = np.append(kept, len(ols.names))
    products = groups.products_of(columns, columns)[:, kept][:, :, at]
    totals = groups.products_of(constant, columns)[:, 0, at]
    square = float(system.products.hi[-1, -1])
    return _Panel(system, ols, GroupColumns(products, totals, groups.counts, square), kept, _to_model(ols, kept))


def _to_model(ols: Solved, kept: Codes) -> Matrix:
    """(p, r) coefficients of the model's columns from those of the r kept ones."""
    identity, T = np.eye(len(ols.names)), ols.parametrization.to_model
    out = identity if T is None else maps.multiply(maps.map_of(T), identity)
    if ols.aliased:
        null = out @ ols.solution.null
        positions = np.array([ols.names.index(name) for name in ols.aliased], np.int64)
        null = null @ np.linalg.inv(null[positions])
        out = out - null @ out[positions]
        out[positions] = np.nan
    return np.asarray(out[:, kept])


def _check_groups(panel: _Panel, name: str) -> None:
    """Raise NumericalError for one group, or one row in every group."""
    counts = panel.columns.counts
    if len(counts) < 2 or counts.max() < 2:
        what = "one group" if len(counts) < 2 else "one row in every group"
        raise NumericalError(f"'{name}' has {what}: a panel has several groups of several rows; use gm.ols")


def _between(panel: _Panel, own: PanelOptions, passes: int) -> PanelSolved:
    """The regression of group means."""
    A, found = between(panel.columns)
    groups, k = len(panel.columns.counts), len(A) - 1
    if found.rank < k:
        raise NotIdentifiedError(
            f"the group means of the {k} columns depend on each other ({found.rank} do not): leave out columns whose "
            "mean is the same in every group, such as a trend of a balanced panel"
        )
    df = groups - k
    sigma = math.sqrt(found.square / df) * panel.scale if df > 0 else math.nan
    V = found.inverse * (sigma / panel.scale) ** 2
    described = ("iid", "iid, of group means", float(df))
    return _solved(panel, own, found, A, V, described, passes, sigma=sigma)


def _random(panel: _Panel, own: PanelOptions, passes: int) -> PanelSolved:
    """Random effects, with or without group means."""
    parts = swamy_arora(panel.columns)
    if not (parts.residual > 0.0 and parts.df_between > 0):
        raise NumericalError(_undetermined(parts))
    ratio = parts.group / parts.residual
    varying = np.flatnonzero(panel.columns.varying())
    means = _means_test(panel, own, varying, ratio)
    columns = panel.columns.with_means(varying) if own.estimator == MUNDLAK else panel.columns
    A, found = random_effects(columns, ratio)
    V, described, sigma = _covariance(columns, found, ratio, own.vcov)
    return _solved(
        panel, own, found, A, V, described, passes,
        varying=varying if own.estimator == MUNDLAK else None,
        sigma=sigma * panel.scale,
        parts=parts,
        means=means if own.estimator == RANDOM else None,
    )  # fmt: skip


def _undetermined(parts: VarianceComponents) -> str:
    """Error message for variances that the rows do not determine."""
    if parts.df_within <= 0:
        return "there are no more rows than groups and columns that vary within them: the residuals have no variance"
    if parts.df_between <= 0:
        return "there are no more groups than columns: the effects of groups have no variance"
    return "the residuals within groups are zero: effects of groups and columns explain the outcome exactly"


def _covariance(
    columns: GroupColumns, found: Regression, ratio: float, vcov: VcovSpec | None
) -> tuple[Matrix, tuple[str, str, float], float]:
    """Covariance of solved coefficients, its name, description and degrees of freedom; and sigma."""
    rows, groups, k = float(columns.counts.sum()), len(columns.counts), len(found.coefficients)
    if rows <= k:
        raise NumericalError(f"{rows:,.0f} rows are no more than the {k} coefficients")
    sigma = math.sqrt(found.square / (rows - k))
    if vcov is None:
        return found.inverse * sigma**2, ("iid", "of the model, z", math.inf), sigma
    facts = ModelFacts(int(rows), float(k))
    U = scores(columns, found.coefficients, ratio) @ found.inverse
    factor = vcov.factor(facts, groups, groups)
    df = vcov.degrees_of_freedom(facts, groups)
    description = f"{vcov.name}: {groups:,} clusters, factor {factor:.6g}"
    return factor * (U.T @ U), (vcov.name, description, df), sigma


def _means_test(panel: _Panel, own: PanelOptions, varying: Codes, ratio: float) -> MeansTest | None:
    """The coefficients of group means beside the columns, for Hausman's test; None where it cannot be made."""
    columns = panel.columns.with_means(varying)
    _, found = random_effects(columns, ratio)
    k = len(found.coefficients)
    if not len(varying) or found.rank < k or columns.counts.sum() <= k:
        return None
    at = np.arange(k - len(varying), k)
    block = np.ix_(at, at)
    by_group = _covariance(columns, found, ratio, own.vcov or VcovSpec("CR1", (own.panel,)))[0]
    iid = _covariance(columns, found, ratio, None)[0]
    T = np.nan_to_num(panel.to_model)[np.ix_(panel.kept[varying], varying)]
    unit = panel.scale**2
    return MeansTest(
        tuple(panel.ols.names[i] for i in panel.kept[varying]),
        T @ found.coefficients[at] * panel.scale,
        T @ iid[block] @ T.T * unit,
        T @ by_group[block] @ T.T * unit,
    )


def _with_means(panel: _Panel, varying: Codes) -> Matrix:
    """(p + m, r + m) coefficients of the model's columns and their means from those of the solved ones."""
    at, T = panel.kept[varying], np.nan_to_num(panel.to_model)
    p, r = T.shape
    out = np.zeros((p + len(at), r + len(at)))
    out[:p, :r], out[p:, r:] = T, T[np.ix_(at, varying)]
    # the mean of a column that is the same in all rows of a group is the column itself
    out[:p, r:] = np.where(np.isin(np.arange(p), at)[:, None], 0.0, T[:, varying])
    return out


def _solution(panel: _Panel, found: Regression) -> Solution:
    """The solution of the solved columns."""
    own = panel.ols.solution
    b = np.zeros(len(own.coefficients))
    b[panel.kept] = found.coefficients
    inverse = embedded(found.inverse, own.independent)
    return replace(own, coefficients=b, inverse=inverse, rss=found.square, bounds=None, low=None, root=None)


def _explained(panel: _Panel, A: Matrix, found: Regression) -> float:
    """Share of the square of the outcome, about its mean where there is a constant, that a regression explains."""
    c = panel.constant
    total = A[-1, -1] - (0.0 if c is None else A[c, -1] ** 2 / A[c, c])
    return 1.0 - found.square / total if total > 0.0 else math.nan


def _quasi(counts: Vector, parts: VarianceComponents | None) -> Vector:
    """The smallest and the largest share of its mean that random effects subtract from a group."""
    if parts is None:
        return np.zeros(2)
    sizes = np.array([counts.min(), counts.max()])
    return np.asarray(1.0 - 1.0 / np.sqrt(1.0 + sizes * parts.group / parts.residual))


def _solved(
    panel: _Panel,
    own: PanelOptions,
    found: Regression,
    A: Matrix,
    V: Matrix,
    described: tuple[str, str, float],
    passes: int,
    *,
    sigma: float,
    varying: Codes | None = None,
    parts: VarianceComponents | None = None,
    means: MeansTest | None = None,
) -> PanelSolved:
    """The fit in the model's columns."""
    ols, counts = panel.ols, panel.columns.counts
    T, names = np.nan_to_num(panel.to_model), ols.names
    shift, identified = panel.shift, ols.identified
    if varying is not None:
        at = panel.kept[varying]
        T = _with_means(panel, varying)
        names = (*names, *(f"mean({ols.names[i]})" for i in at))
        shift, identified = np.append(shift, np.zeros(len(at))), np.append(identified, np.ones(len(at), bool))
    b = np.where(identified, T @ found.coefficients * panel.scale + shift, np.nan)
    known = np.ix_(identified, identified)
    covariance = np.full((len(b), len(b)), np.nan)
    covariance[known] = (T @ V @ T.T)[known] * panel.scale**2
    kind, description, df = described
    structural = replace(ols, passes=passes, accuracy=None)
    if varying is None:
        structural = replace(structural, coefficients=b, solution=_solution(panel, found))
    return PanelSolved(
        structural=structural,
        estimator=own.estimator,
        panel=own.panel,
        names=names,
        coefficients=b,
        identified=identified,
        covariance=covariance,
        kind=kind,
        description=description,
        df=df,
        sigma=sigma,
        sigma_residual=math.nan if parts is None else math.sqrt(parts.residual) * panel.scale,
        sigma_group=math.nan if parts is None else math.sqrt(parts.group) * panel.scale,
        r_squared=_explained(panel, A, found),
        groups=len(counts),
        sizes=np.array([counts.min(), counts.max()]),
        quasi=_quasi(counts, parts),
        means=means,
    )
