"""Fits to panels: one pass leaves products within groups, and every estimator follows from them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gramian.engines.fold import threads_for
from gramian.errors import NotIdentifiedError, NumericalError
from gramian.fit.panel.accumulate import AccumulateGroups
from gramian.fit.panel.by_group import PanelSums
from gramian.fit.panel.options import PanelOptions
from gramian.fit.panel.solution import BETWEEN, MUNDLAK, MeansTest, PanelSolved
from gramian.fit.panel.system import Estimate, Panel, in_model_columns, panel_of
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.fit.vcov.job import cluster_memory
from gramian.formula.design import Design
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.mixed.panel import (
    GroupColumns,
    Regression,
    VarianceComponents,
    between,
    random_effects,
    scores,
    swamy_arora,
)
from gramian.typing import Codes, Matrix


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
        panel = panel_of(design, sums, options)
        _check_groups(panel, own.panel)
        if own.estimator == BETWEEN:
            return _between(panel, own, passes)
        return _random(panel, own, passes)


def _check_groups(panel: Panel, name: str) -> None:
    """Raise NumericalError for one group, or one row in every group."""
    counts = panel.columns.counts
    if len(counts) < 2 or counts.max() < 2:
        what = "one group" if len(counts) < 2 else "one row in every group"
        raise NumericalError(f"'{name}' has {what}: a panel has several groups of several rows; use gm.ols")


def _between(panel: Panel, own: PanelOptions, passes: int) -> PanelSolved:
    """The regression of group means."""
    A, found = between(panel.columns)
    groups, k = len(panel.columns.counts), len(A) - 1
    if found.rank < k:
        raise NotIdentifiedError(
            f"the group means of the {k} columns depend on each other ({found.rank} do not): leave out columns whose "
            "mean is the same in every group, such as a trend of a balanced panel"
        )
    df = groups - k
    sigma = math.sqrt(found.square / df) if df > 0 else math.nan
    V = found.inverse * sigma**2
    estimate = Estimate(A, found, V, "iid", "iid, of group means", float(df), sigma)
    return in_model_columns(panel, own, estimate, passes)


def _random(panel: Panel, own: PanelOptions, passes: int) -> PanelSolved:
    """Random effects, with or without group means."""
    parts = swamy_arora(panel.columns)
    if not (parts.residual > 0.0 and parts.df_between > 0):
        raise NumericalError(_undetermined(parts))
    ratio = parts.group / parts.residual
    varying = np.flatnonzero(panel.columns.varying())
    means = _means_test(panel, own, varying, ratio)
    columns = panel.columns.with_means(varying) if own.estimator == MUNDLAK else panel.columns
    A, found = random_effects(columns, ratio)
    if found.rank < len(found.coefficients):
        raise NotIdentifiedError(
            "the group means of columns depend on the other columns: leave out columns whose mean is the same in every "
            "group, such as a trend of a balanced panel"
        )
    estimate = _estimate(columns, A, found, ratio, own.vcov)
    if own.estimator == MUNDLAK:
        return in_model_columns(panel, own, replace(estimate, varying=varying, parts=parts), passes)
    return in_model_columns(panel, own, replace(estimate, parts=parts, means=means), passes)


def _undetermined(parts: VarianceComponents) -> str:
    """Error message for variances that the rows do not determine."""
    if parts.df_within <= 0:
        return "there are no more rows than groups and columns that vary within them: the residuals have no variance"
    if parts.df_between <= 0:
        return "there are no more groups than columns: the effects of groups have no variance"
    return "the residuals within groups are zero: effects of groups and columns explain the outcome exactly"


def _estimate(columns: GroupColumns, A: Matrix, found: Regression, ratio: float, vcov: VcovSpec | None) -> Estimate:
    """A regression by generalised least squares, with its covariance, for a ratio of the variances."""
    rows, groups, k = float(columns.counts.sum()), len(columns.counts), len(found.coefficients)
    if rows <= k:
        raise NumericalError(f"{rows:,.0f} rows are no more than the {k} coefficients")
    sigma = math.sqrt(found.square / (rows - k))
    if vcov is None:
        return Estimate(A, found, found.inverse * sigma**2, "iid", "of the model, z", math.inf, sigma)
    facts = ModelFacts(int(rows), float(k))
    U = scores(columns, found.coefficients, ratio) @ found.inverse
    factor = vcov.factor(facts, groups, groups)
    description = f"{vcov.name}: {groups:,} clusters, factor {factor:.6g}"
    df = vcov.degrees_of_freedom(facts, groups)
    return Estimate(A, found, factor * (U.T @ U), vcov.name, description, df, sigma)


def _means_test(panel: Panel, own: PanelOptions, varying: Codes, ratio: float) -> MeansTest | None:
    """The coefficients of group means beside the columns, for Hausman's test; None where it cannot be made."""
    columns = panel.columns.with_means(varying)
    A, found = random_effects(columns, ratio)
    k = len(found.coefficients)
    if not len(varying) or found.rank < k or columns.counts.sum() <= k:
        return None
    at = np.arange(k - len(varying), k)
    block = np.ix_(at, at)
    by_group = _estimate(columns, A, found, ratio, own.vcov or VcovSpec("CR1", (own.panel,))).covariance
    iid = _estimate(columns, A, found, ratio, None).covariance
    T = np.nan_to_num(panel.to_model)[np.ix_(panel.kept[varying], varying)]
    unit = panel.scale**2
    return MeansTest(
        tuple(panel.ols.names[i] for i in panel.kept[varying]),
        T @ found.coefficients[at] * panel.scale,
        T @ iid[block] @ T.T * unit,
        T @ by_group[block] @ T.T * unit,
    )
