"""Robust covariances of a curve: sums of the scores w r J of rows at the estimates, from one more pass.

J are the derivatives of the curve, r the residuals, w the weights; the bread is (J'WJ)^-1 of the free parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError, NumericalError, OptionError
from gramian.fit.curve.accumulate import BLOCK, complete_rows
from gramian.fit.curve.fit import CurveSolved
from gramian.fit.leastsquares.solution import RobustCovariance
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.clusters import ClusterMembers, Clusters, added, check_memory
from gramian.fit.vcov.fit import LOSS_TOLERANCE, PERFECT, check_vcov
from gramian.fit.vcov.hc import MIN_COMPLEMENT
from gramian.fit.vcov.job import cluster_memory
from gramian.fit.vcov.names import vcov_of_data
from gramian.fit.vcov.sandwich import check_groups, check_null_clusters, parts_of, raised, symmetric
from gramian.fit.vcov.serial import ordered, serial_meat
from gramian.fit.vcov.spatial.meat import meat_by_place
from gramian.formula.curves.curve import Curve
from gramian.formula.row_reader import Observed, Reader
from gramian.inference.estimators import Clustered, Rowwise, Spatial
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec, vcov_spec
from gramian.linalg.keyed.grouped import grouped_sums
from gramian.models.curve import jacobian
from gramian.schema import Schema
from gramian.typing import Matrix, Vector


def check_curve_vcov(vcov: VcovSpec, schema: Schema) -> None:
    """Raise OptionError or SchemaError for a covariance that a curve does not have."""
    if vcov.estimator.pairwise:
        raise OptionError(
            f"{vcov.kind} adjusts or leaves out clusters of a linear model; for a curve use CR1, as in "
            f"vcov={{'cluster': {vcov.clusters[0]!r}}}"
        )
    if vcov.estimator.dependent and not vcov.clusters:
        raise OptionError(f"{vcov.kind} of a curve needs a column of times, as in vcov={{'hac': 4, 'time': 't'}}")
    check_vcov(vcov, schema)


@dataclass(frozen=True, slots=True)
class CurveScores:
    """Sums over rows at the estimates.

    Attributes
    ----------
    meat : Matrix
        (f, f) of squared scores, divided as the estimator says; zero with clusters.
    clusters : Clusters
        The c clusters.
    sums : Matrix
        (c, f) sums of scores.
    counts : Vector
        (c,) rows of each cluster.
    rows, full_leverage, null_clusters : int
        Rows; those of leverage 1, and those without a cluster.
    loss : float
        Weighted residual sum of squares.
    """

    meat: Matrix
    clusters: Clusters
    sums: Matrix
    counts: Vector
    rows: int = 0
    full_leverage: int = 0
    null_clusters: int = 0
    loss: float = 0.0

    def __add__(self, other: CurveScores, /) -> CurveScores:
        clusters, positions = self.clusters.merged(other.clusters)
        return CurveScores(
            self.meat + other.meat,
            clusters,
            added(self.sums, other.sums, clusters.count, positions),
            added(self.counts, other.counts, clusters.count, positions),
            self.rows + other.rows,
            self.full_leverage + other.full_leverage,
            self.null_clusters + other.null_clusters,
            self.loss + other.loss,
        )


@dataclass(frozen=True, slots=True)
class CurveScorePass:
    """The pass.

    Attributes
    ----------
    curve : Curve
        The curve.
    beta : tuple of float
        All p parameters.
    free : tuple of int
        The f parameters that are not at a bound.
    vcov : VcovSpec
        The covariance.
    inverse : Matrix
        (f, f) inverse of J'WJ, for leverages.
    rows : int
        Number of rows, for the mean leverage.
    limit : int
        Bytes that the sums of a thread may need.
    """

    curve: Curve
    beta: tuple[float, ...]
    free: tuple[int, ...]
    vcov: VcovSpec
    inverse: Matrix = field(compare=False)
    rows: int
    limit: int = field(compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        return tuple(dict.fromkeys((*self.curve.design.columns, *self.vcov.clusters)))

    @property
    def empty(self) -> CurveScores:
        """The sums of no rows."""
        f, by = len(self.free), len(self.vcov.clusters)
        none = Clusters((), np.zeros((0, by), np.int64))
        return CurveScores(np.zeros((f, f)), none, np.zeros((0, f)), np.zeros(0))

    def accumulate(self, batches: Iterable[Batch], /) -> CurveScores:
        """The sums of one unit."""
        reader, sums = Reader(self.curve.design), self.empty
        for batch in batches:
            with np.errstate(all="ignore"):
                observed, _ = complete_rows(self.curve, reader.read(batch))
                members = self._members(batch, observed)
                for start in range(0, observed.rows, BLOCK):
                    rows = slice(start, min(start + BLOCK, observed.rows))
                    sums += self._block(observed, rows, members)
            check_memory(self.vcov.clusters, sums.clusters.count, len(self.free), self.limit, self.vcov.estimator.group)
        return sums

    def _members(self, batch: Batch, observed: Observed) -> ClusterMembers | None:
        """The clusters of the rows of a batch; None without columns of clusters."""
        if not self.vcov.clusters:
            return None
        members = ClusterMembers(self.vcov.clusters)
        members.read(batch, observed)
        return members

    def _block(self, observed: Observed, rows: slice, members: ClusterMembers | None) -> CurveScores:
        """The sums of a block of complete rows."""
        inputs = [observed.values[name][rows] for name in self.curve.variables]
        (response,) = self.curve.design.outcome
        fit, J = jacobian(self.curve.shape, inputs, np.array(self.beta), rows.stop - rows.start)
        r, J = observed.values[response][rows] - fit, J[:, list(self.free)]
        w = np.ones(len(r)) if observed.weight is None else observed.weight[rows]
        out = replace(self.empty, rows=len(r), loss=float(w @ r**2))
        if members is None:
            meat, full_leverage = self._squares(J, r, w)
            return replace(out, meat=meat, full_leverage=full_leverage)
        before = members.null_clusters
        group, has_cluster = members.of(rows)
        group, J, s = group[has_cluster], J[has_cluster], (w * r)[has_cluster]
        present, local = np.unique(group, return_inverse=True)
        sums = grouped_sums(J, s, local.reshape(-1), len(present))
        return replace(
            out,
            clusters=members.clusters.take(members.positions[present]),
            sums=sums,
            counts=np.bincount(local.reshape(-1), minlength=len(present)).astype(float),
            null_clusters=members.null_clusters - before,
        )

    def _squares(self, J: Matrix, r: Vector, w: Vector) -> tuple[Matrix, int]:
        """Squared scores of rows, divided as the estimator says, (f, f), and how many have leverage 1."""
        squares, full, estimator = np.square(w * r), np.zeros(len(r), bool), self.vcov.estimator
        if isinstance(estimator, Rowwise) and estimator.discount is not None:
            complement = 1.0 - w * np.einsum("ij,jk,ik->i", J, self.inverse, J)
            full = complement < MIN_COMPLEMENT
            complement = np.where(full, 1.0, complement)
            squares = np.where(full, 0.0, squares / estimator.discount(complement, len(self.free) / self.rows))
        scores = J * np.sqrt(squares)[:, None]
        return np.asarray(scores.T @ scores), int(full.sum())


def with_vcov(solved: CurveSolved, vcov: Any, runner: PassRunner) -> CurveSolved:
    """The fit with the robust covariance that an option asks for. Raises as `check_curve_vcov` and `with_robust`."""
    schema = runner.source.schema
    spec = vcov_spec(vcov_of_data(vcov, schema))
    assert spec is not None
    check_curve_vcov(spec, schema)
    return with_robust(solved, spec, runner)


def with_robust(solved: CurveSolved, vcov: VcovSpec, runner: PassRunner) -> CurveSolved:
    """The fit with a robust covariance, in one pass over its rows.

    Raises
    ------
    DataError
        Where the rows are not those of the fit, or a cluster is null.
    NumericalError
        Where the covariance is not defined.
    """
    free, passes = np.flatnonzero(~solved.at_bound), runner.passes
    bread = solved.inverse[np.ix_(free, free)]
    task = CurveScorePass(
        solved.curve,
        tuple(solved.coefficients.tolist()),
        tuple(free.tolist()),
        vcov,
        bread,
        solved.rows,
        cluster_memory(),
    )
    sums = runner.fold(task)
    _check_same(solved, sums)
    robust = _covariance(solved, vcov, bread, sums)
    full = np.full((len(solved.coefficients),) * 2, np.nan)
    full[np.ix_(free, free)] = robust.covariance
    robust = replace(robust, covariance=full, solved_covariance=np.nan_to_num(full))
    return replace(solved, robust=robust, passes=solved.passes + runner.passes - passes)


def _check_same(solved: CurveSolved, sums: CurveScores) -> None:
    """Raise DataError where the rows of a pass cannot be those of the fit."""
    close = abs(sums.loss - solved.rss) <= LOSS_TOLERANCE * solved.rss + PERFECT * solved.tss
    if sums.rows != solved.rows or not close:
        raise DataError(
            f"these are not the rows of the fit: it has {solved.rows:,} and a sum of squares of {solved.rss:.8g}, and "
            f"here {sums.rows:,} are complete, with {sums.loss:.8g}"
        )


def _covariance(solved: CurveSolved, vcov: VcovSpec, bread: Matrix, sums: CurveScores) -> RobustCovariance:
    """The covariance of the free parameters."""
    facts, negative = ModelFacts(solved.rows, solved.effective), 0
    group_counts: tuple[int, ...] = ()
    check_null_clusters(vcov, sums.null_clusters)
    if isinstance(vcov.estimator, Rowwise):
        if sums.full_leverage:
            raise NumericalError(
                f"rows with leverage 1: {sums.full_leverage:,}; the curve goes through them whatever their outcome, so "
                f"{vcov.kind} is not defined; use HC1"
            )
        factor, df, V = vcov.factor(facts), vcov.degrees_of_freedom(facts), bread @ sums.meat @ bread
    elif isinstance(vcov.estimator, Clustered):
        parts, fewest = parts_of(sums.clusters, sums.sums), check_groups(sums.clusters, vcov)
        group_counts = tuple(part.groups for part in parts[: len(vcov.clusters)])
        factors = [vcov.factor(facts, part.groups, fewest) for part in parts]
        halves = [part.sums @ bread for part in parts]
        factor, df = factors[0], vcov.degrees_of_freedom(facts, fewest)
        total = sum(p.sign * f / factor * (h.T @ h) for p, f, h in zip(parts, factors, halves, strict=True))
        V, negative = raised(np.asarray(total), vcov) if len(parts) > 1 else (np.asarray(total), 0)
    elif isinstance(vcov.estimator, Spatial):
        factor, df = vcov.factor(facts), vcov.degrees_of_freedom(facts)
        V, negative = raised(bread @ meat_by_place(sums.clusters, sums.sums, vcov) @ bread, vcov)
    else:
        serial = serial_meat(ordered(sums.clusters, sums.sums, sums.counts, vcov), vcov)
        vcov, times = serial.vcov, serial.times
        factor, df = vcov.factor(facts, times, times), vcov.degrees_of_freedom(facts, times)
        V = bread @ serial.meat @ bread
    V = symmetric(factor * V)
    return RobustCovariance(vcov, V, V, factor, df, group_counts, negative)
