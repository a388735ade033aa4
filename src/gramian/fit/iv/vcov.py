"""Robust covariances and what robust tests need, from one pass at the solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gramian.errors import OptionError
from gramian.fit.iv.accumulate import ClusterMomentPass, MomentRows, RowMomentPass
from gramian.fit.iv.adjusted import BasisProducts, BasisRows, products_twice
from gramian.fit.iv.basis import Basis, combinations_of
from gramian.fit.iv.leverages import leverages_of
from gramian.fit.iv.solution import TWO_STAGE, RobustMoments
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.absorbed.nested import products_of_nested
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.fit import check_same, check_vcov
from gramian.fit.vcov.job import WITHOUT_SQUARES, cluster_memory
from gramian.fit.vcov.parameters import parameter_count
from gramian.fit.vcov.sandwich import Sandwich, check_groups, check_null_clusters, symmetric
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.serial import ordered, serial_meat
from gramian.fit.vcov.spatial.meat import meat_by_place
from gramian.fit.vcov.within import Demeaned, demeaned
from gramian.formula.design import Design
from gramian.inference.estimators import DEPENDENT, SERIAL, Serial, Spatial
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg import maps
from gramian.linalg.moments import Moments
from gramian.linalg.products import without_last
from gramian.linalg.solve import Solution
from gramian.schema import Schema
from gramian.typing import Matrix, Vector

WITHOUT_FACTOR = "R"  # its conventions have no small-sample factor for serial covariances
SECOND_STAGE = (
    "{} needs the leverages of the second stage, which {} does not have: its weights are solutions themselves; use "
    "{}, or estimator='2sls'"
)


def check_iv_kind(vcov: VcovSpec, estimator: str) -> None:
    """Raise OptionError for a kind of covariance that instruments do not have with this estimator."""
    if isinstance(vcov.estimator, Serial) and (not vcov.clusters or (vcov.lags is None and len(vcov.clusters) == 1)):
        raise OptionError(
            "beside instruments Newey and West's errors need a column of times and a number of lags, as in "
            "vcov={'hac': 4, 'time': 't'}"
        )
    if estimator != TWO_STAGE and (vcov.estimator.uses_leverage or vcov.estimator.pairwise):
        raise OptionError(SECOND_STAGE.format(vcov.kind, f"estimator='{estimator}'", "CR1" if vcov.clusters else "HC1"))


def check_iv_vcov(vcov: VcovSpec, schema: Schema, absorbed: Sequence[str], estimator: str) -> None:
    """Raise OptionError or SchemaError for a covariance that the model does not have."""
    check_iv_kind(vcov, estimator)
    check_vcov(vcov, schema, absorbed=absorbed)


class Inputs(NamedTuple):
    """What a pass at the solution is made of: the design and moments of the pass, products and the basis."""

    design: Design
    moments: Moments
    basis: Basis
    within: Matrix
    reduced: Matrix


@dataclass(frozen=True, slots=True)
class SolutionMoments:
    """Sums of a pass at the solution.

    Attributes
    ----------
    rows : MomentRows
        What the vectors of the rows are.
    products : ndarray of shape (width, width) or None
        Sums of their products; None where they are kept by cluster.
    clusters : Clusters or None
        The clusters.
    sums : ndarray of shape (c, width) or None
        Sums by cluster.
    counts : ndarray of shape (c,) or None
        Rows of each cluster.
    nested : tuple of str
        Absorbed factors whose levels are nested in clusters.
    pairwise : BasisProducts or None
        Products by cluster, for CR2 and CR3.
    """

    rows: MomentRows
    products: Matrix | None
    clusters: Clusters | None = None
    sums: Matrix | None = None
    counts: Vector | None = None
    nested: tuple[str, ...] = ()
    pairwise: BasisProducts | None = None

    def covariance(self, part: slice, vcov: VcovSpec, facts: ModelFacts, structural: Solved) -> Matrix:
        """Covariance of the summed moments of a part, with the small-sample factor."""
        if self.products is not None:
            return vcov.factor(facts) * self.products[part, part]
        assert self.sums is not None
        assert self.clusters is not None
        own = self.sums[:, part]
        if vcov.estimator.pairwise:
            groups = check_groups(self.clusters, vcov)
            return vcov.factor(facts, groups, groups) * (own.T @ own)
        if isinstance(vcov.estimator, Spatial):
            return vcov.factor(facts) * meat_by_place(self.clusters, own, vcov)
        if isinstance(vcov.estimator, Serial):
            assert self.counts is not None
            serial = serial_meat(ordered(self.clusters, own, self.counts, vcov), vcov)
            return vcov.factor(facts, serial.times, serial.times) * serial.meat
        parts, factors = Sandwich(structural, vcov, facts).parts(self.clusters, own)
        total = sum(p.sign * f * (p.sums.T @ p.sums) for p, f in zip(parts, factors, strict=True))
        return np.asarray(total)

    def weights(self, vcov: VcovSpec, structural: Solved) -> Matrix:
        """Covariance of the moments of all instruments without a small-sample factor, for GMM."""
        plain = VcovSpec("CR0" if vcov.clusters else "HC0", vcov.clusters)
        if vcov.estimator.dependent:
            plain = replace(vcov, like=WITHOUT_FACTOR)
        return self.covariance(self.rows.plain, plain, ModelFacts(structural.rows, 0.0), structural)


def solution_moments(
    inputs: Inputs, structural: Solved, vcov: VcovSpec, runner: PassRunner, *, drop: bool
) -> SolutionMoments:
    """Read the rows once at the solution. Raises DataError where they are not those of the fit."""
    model = _joint_model(inputs, structural, drop)
    within = None
    if structural.absorbed is not None:
        within = demeaned(model.solved, inputs.moments)
    rows = moment_rows(inputs, structural.solution, within)
    if vcov.estimator.pairwise:
        return _pairwise(inputs, structural, vcov, BasisRows(rows), model, runner)
    if vcov.estimator.uses_leverage:
        k = len(inputs.basis.endogenous)
        explained = inputs.reduced[:, :k].T @ inputs.reduced[:, :k]
        own = leverages_of(vcov.kind, inputs.basis, structural, inputs.within[:k, :k] - explained)
        rows = replace(rows, leverages=own)
    if not vcov.clusters:
        sums = runner.fold(RowMomentPass(model, rows))
        check_same(structural, structural.rss, sums.rows, sums.loss)
        return SolutionMoments(rows, sums.products)
    by_cluster = runner.fold(ClusterMomentPass(model, vcov.clusters, cluster_memory(), moment_rows=rows))
    check_null_clusters(vcov, by_cluster.null_clusters)
    check_same(structural, structural.rss, by_cluster.rows, by_cluster.loss)
    nesting = by_cluster.nesting
    nested = () if nesting is None or vcov.kind in DEPENDENT else nesting.nested(range(len(vcov.clusters)))
    return SolutionMoments(rows, None, by_cluster.clusters, by_cluster.sums, by_cluster.counts, nested)


def _pairwise(
    inputs: Inputs, structural: Solved, vcov: VcovSpec, rows: BasisRows, model: FittedModel, runner: PassRunner
) -> SolutionMoments:
    """The sums of CR2 and CR3, from products by cluster."""
    twice, within = products_twice(vcov, structural), rows.moment_rows.demeaned
    if within is not None:
        keyed = products_of_nested(model, rows, within, vcov, runner, cluster_memory())
        check_same(structural, structural.rss, keyed.rows, keyed.loss)
        return _adjusted(inputs, structural, vcov, BasisProducts(rows.moment_rows, keyed.products), keyed)
    task = ClusterMomentsPass(
        model.design,
        vcov.clusters,
        cluster_memory(),
        fitted_model=model,
        drop=model.drop,
        dense=rows,
        twice=twice,
    )
    keyed = runner.fold(task)
    check_same(structural, structural.rss, keyed.rows, keyed.loss)
    return _adjusted(inputs, structural, vcov, BasisProducts(rows.moment_rows, keyed.products, twice), keyed)


def _adjusted(
    inputs: Inputs, structural: Solved, vcov: VcovSpec, pairwise: BasisProducts, keyed: ClusterMoments
) -> SolutionMoments:
    """The sums of CR2 and CR3. keyed : which clusters there are."""
    check_null_clusters(vcov, keyed.null_clusters)
    check_groups(keyed.clusters, vcov)
    independent = structural.solution.independent
    sums = pairwise.sums(inputs.basis, inputs.within, inputs.reduced, vcov, independent)
    return SolutionMoments(pairwise.rows, None, keyed.clusters, sums, keyed.counts, pairwise=pairwise)


def moments_by_cluster(inputs: Inputs, structural: Solved, vcov: VcovSpec, keyed: ClusterMoments) -> SolutionMoments:
    """The sums by cluster from the products of every cluster, without rows.

    keyed : products of the stored columns of both stages, the outcome last. Raises OptionError for CR2 with weights.
    """
    rows = moment_rows(inputs, structural.solution)
    own, joint = rows.combinations, _joint_model(inputs, structural, drop=True)
    u = joint.direction.hi * joint.solved.parametrization.scale

    def with_outcome(C: Matrix) -> Matrix:
        return np.vstack([C, np.zeros((1, C.shape[1]))])

    Q, V, D = (with_outcome(C) for C in (own.instruments, own.residuals, own.regressors))
    if vcov.estimator.pairwise:
        if products_twice(vcov, structural):
            raise OptionError(WITHOUT_SQUARES.format(vcov.name))
        C = np.column_stack([Q, V, u])
        return _adjusted(inputs, structural, vcov, BasisProducts(rows, C.T @ keyed.products @ C), keyed)
    V[:, -1] += u
    excluded = Q[:, Q.shape[1] - rows.excluded :]
    error = V[:, -1] - V[:, :-1] @ own.slopes + excluded @ own.explained
    P = keyed.products
    reduced = np.einsum("gij,ia,jl->gal", P, V, excluded, optimize=True).reshape(len(P), -1)
    sums = np.concatenate([P @ u @ Q, reduced, P @ error @ D], axis=1)
    return SolutionMoments(rows, None, keyed.clusters, sums, keyed.counts)


def moment_rows(inputs: Inputs, solution: Solution, within: Demeaned | None = None) -> MomentRows:
    """The vectors of the rows at a solution. within : effects of absorbed levels."""
    basis = inputs.basis
    own = basis.system.stage.centred
    slopes = solution.coefficients[basis.system.places]
    scaled = slopes * own.y_scale / own.scale[basis.system.stage.regressors]
    combinations = combinations_of(basis, inputs.within, inputs.reduced, scaled)
    return MomentRows(tuple(without_last(basis.system.parametrization.groups)), combinations, within)


def _joint_model(inputs: Inputs, structural: Solved, drop: bool) -> FittedModel:
    """The model as one of all columns, in which those of the instruments have the coefficient zero."""
    system = inputs.basis.system
    own = structural.solution.coefficients
    if structural.absorbed is not None and structural.aliased:  # as the effects of the levels were computed
        parametrization = structural.parametrization
        own = np.nan_to_num(structural.coefficients)
        for i, c in parametrization.response_shift.items():
            own[i] -= float(c)
        if parametrization.to_solved is not None:
            own = maps.apply(parametrization.to_solved, own)
        own = own / parametrization.scale
    b = np.concatenate([np.zeros(system.width), own])
    p = len(b)
    solution = replace(
        structural.solution,
        coefficients=b,
        inverse=np.zeros((p, p)),
        independent=np.ones(p, bool),
        null=np.zeros((p, 0)),
        bounds=None,
        low=None,
        root=None,
    )
    design = replace(inputs.design, levels=dict(inputs.moments.levels), matrix=None)
    joint = replace(
        structural,
        design=design,
        parametrization=system.parametrization,
        solution=solution,
        names=(*system.instruments.names, *system.system.names),
        coefficients=b,
        aliased={},
        robust=None,
    )
    return FittedModel(joint, None, drop)


def coefficient_covariance(
    inputs: Inputs, structural: Solved, vcov: VcovSpec, sums: SolutionMoments, weight: Matrix | None = None
) -> RobustCovariance:
    """The covariance of the coefficients, with the scores of projected regressors.

    weight : (m, m) of the moments, for GMM.
    """
    projection = inputs.basis.projection()
    T = projection if weight is None else weight @ projection
    sandwich = Sandwich(structural, vcov, facts_of(inputs, structural, vcov, sums, structural.rank))
    part = sums.rows.parts()[0]
    if sums.pairwise is not None:
        return sums.pairwise.covariance(inputs.basis, sandwich)
    if sums.products is not None:
        return sandwich.by_row(symmetric(T.T @ sums.products[part, part] @ T))
    assert sums.sums is not None
    assert sums.clusters is not None
    if vcov.estimator.dependent:
        assert sums.counts is not None
        return sandwich.by_dependence(sums.clusters, sums.sums[:, part] @ T, sums.counts)
    return sandwich.by_cluster(sums.clusters, sums.sums[:, part] @ T)


def facts_of(inputs: Inputs, structural: Solved, vcov: VcovSpec, sums: SolutionMoments, columns: int) -> ModelFacts:
    """What small-sample factors depend on. columns : coefficients of the regression, absorbed levels not counted."""
    counted = parameter_count(
        replace(structural, rank=columns, leverage=float(columns)), inputs.moments, vcov.small_sample, sums.nested
    )
    return ModelFacts(structural.rows, counted)


def robust_moments(inputs: Inputs, structural: Solved, vcov: VcovSpec, sums: SolutionMoments) -> RobustMoments:
    """What robust tests need, by the conventions of the covariance."""
    _, reduced, endogeneity = sums.rows.parts()
    instruments = sums.rows.instruments
    first = facts_of(inputs, structural, vcov, sums, instruments)
    augmented = facts_of(inputs, structural, vcov, sums, structural.rank + len(inputs.basis.endogenous))
    groups = _fewest(sums, vcov)
    return RobustMoments(
        symmetric(sums.covariance(reduced, vcov, first, structural)),
        symmetric(sums.covariance(endogeneity, vcov, augmented, structural)),
        vcov.degrees_of_freedom(first, groups),
        vcov.degrees_of_freedom(augmented, groups),
    )


def _fewest(sums: SolutionMoments, vcov: VcovSpec) -> int:
    """Number of clusters of the column that has the fewest; 0 without clusters."""
    if sums.clusters is None:
        return 0
    if vcov.kind in SERIAL:  # the number of times
        return int(sums.clusters.by([sums.clusters.cells.shape[1] - 1]).max(initial=-1)) + 1
    width = sums.clusters.cells.shape[1]
    return min(int(sums.clusters.by([i]).max(initial=-1)) + 1 for i in range(width))
