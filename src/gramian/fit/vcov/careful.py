"""Robust covariances in an orthonormal basis of the columns, from residuals in double-double.

This is what follows where the sums of stored columns leave too few digits: one pass, or two, over dense rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.basis import Basis, basis_of, first_combinations
from gramian.fit.vcov.certificate import noise, with_zeros
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.cluster_scores import ClusterPass
from gramian.fit.vcov.influence import Influence, InfluencePass
from gramian.fit.vcov.sandwich import (
    Sandwich,
    check_groups,
    check_null_clusters,
    jackknife_changes,
    nan_where_unidentified,
    symmetric,
    with_eigenvalue_floor,
)
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.sum_errors import largest_cluster, pass_rounding_error
from gramian.inference.estimators import Clustered, Estimator, Jackknife, Rowwise
from gramian.linalg.certificate import EPS
from gramian.linalg.monomials import highest_degree
from gramian.linalg.orthonormal import MAX_DEFECT, defect_of, inverse_square_root
from gramian.typing import Matrix, Vector

MAX_COLUMNS = 512  # rows are dense here: with more columns this would cost far more than the fit
GOOD_DEFECT = 1e-8  # of the basis from one: below it another pass gains nothing that standard errors need
MAX_STEPS = 3


class Terms(NamedTuple):
    """What rows or clusters add to the coefficients of an orthonormal basis.

    Attributes
    ----------
    half : Matrix
        (m, k); a covariance is the sum of the products of these rows.
    factor : float
        Small-sample factor, negative for a part that is subtracted.
    error : float
        Bound of the norm of the errors of the rows.
    """

    half: Matrix
    factor: float
    error: float


@dataclass(frozen=True, slots=True)
class Measured:
    """An orthonormal basis, and what a pass has measured in it.

    Attributes
    ----------
    basis : Basis
        The basis.
    sums : Influence
        Sums of the pass.
    """

    basis: Basis
    sums: Influence

    @property
    def defect(self) -> float:
        """How far the basis is from orthonormal, as far as a sum in float64 can see it."""
        return defect_of(self.sums.gram)

    @property
    def row_errors(self) -> float:
        """Bound of the norm of the errors of all rows in the basis: the roundings of x'W."""
        lengths = np.linalg.norm(self.basis.stored, axis=1)
        roundings = len(lengths) + 2 * highest_degree([m for g in self.basis.groups for m in g.monomials]) + 10
        return roundings * EPS * float(np.sqrt(self.sums.squares) @ lengths)

    @property
    def basis_error(self) -> float:
        """Bound of the distance of the basis from an orthonormal one."""
        return self.defect + 2.0 * self.row_errors

    @property
    def residual_error(self) -> float:
        """Norm of the error of the fitted values: of what is left of the scores' products with the basis."""
        return float(np.linalg.norm(self.sums.gradient))


def measured_basis(fitted_model: FittedModel, kind: str, runner: PassRunner) -> Measured | None:
    """An orthonormal basis of the columns and its sums under an estimator by row; None where there is none in float64.

    kind : the estimator's name.
    """

    def measure(W: Matrix) -> Measured:
        basis = basis_of(fitted_model, W)
        return Measured(basis, runner.fold(InfluencePass(fitted_model, basis, kind)))

    first = first_combinations(fitted_model.solved)
    if first is None:
        return None
    best = measure(first)
    for _ in range(MAX_STEPS):
        if best.defect <= GOOD_DEFECT or not np.isfinite(best.defect):
            break
        better = measure(best.basis.W @ inverse_square_root(best.sums.gram))
        if not better.defect < best.defect / 2.0:
            break
        best = better
    return best if best.defect <= MAX_DEFECT else None


@dataclass(frozen=True, slots=True)
class CarefulJob:
    """A robust covariance to compute in an orthonormal basis.

    Attributes
    ----------
    sandwich : Sandwich
        The fit, the estimator, and what its factors depend on.
    fitted_model : FittedModel
        The fit, with residuals in double-double.
    runner : PassRunner
        The rows, and what reads them.
    memory : int
        Bytes that the sums of all clusters may need in each thread.
    """

    sandwich: Sandwich
    fitted_model: FittedModel
    runner: PassRunner
    memory: int

    def evaluate(self) -> tuple[RobustCovariance, Influence] | None:
        """The covariance, and the sums by row; None where the columns have no orthonormal basis in float64."""
        estimator = self.sandwich.vcov.estimator
        kind = estimator.name if isinstance(estimator, Rowwise) else "HC0"
        measured = measured_basis(self.fitted_model, kind, self.runner)
        return None if measured is None else (_EVALUATE[type(estimator)](self, measured), measured.sums)

    def _by_row(self, measured: Measured) -> RobustCovariance:
        sandwich, sums, estimator = self.sandwich, measured.sums, self.sandwich.vcov.estimator
        assert isinstance(estimator, Rowwise)
        values, vectors = np.linalg.eigh(sums.meat)
        half = (vectors * np.sqrt(np.maximum(values, 0.0))).T
        power = estimator.power
        discount = sums.smallest_complement ** (-0.5 * power)
        k, norm = measured.basis.width, float(np.sqrt(max(values.max(initial=0.0), 0.0)))
        row_errors = (measured.row_errors + k * EPS * np.sqrt(k)) * sums.largest_score
        error = measured.basis_error * norm + discount * (row_errors + measured.residual_error)
        relative = power * measured.basis_error / sums.smallest_complement / 2.0
        relative += pass_rounding_error(sandwich.solved)
        factor = sandwich.vcov.factor(sandwich.facts)
        return self._covariance(measured, [Terms(half, factor, error)], (), relative, sums.variances)

    def _by_cluster(self, measured: Measured) -> RobustCovariance:
        sandwich, vcov = self.sandwich, self.sandwich.vcov
        sums = self.runner.fold(ClusterPass(self.fitted_model, vcov.clusters, self.memory, measured.basis))
        check_null_clusters(vcov, sums.null_clusters)
        parts, factors = sandwich.parts(sums.clusters, sums.sums)
        largest = largest_cluster(sums.clusters, sums.counts)
        terms = [
            Terms(part.sums, part.sign * factor, self._sum_error(measured, part.sums, largest))
            for part, factor in zip(parts, factors, strict=True)
        ]
        robust = self._covariance(measured, terms, tuple(part.groups for part in parts[: len(vcov.clusters)]))
        return robust if len(parts) == 1 else with_eigenvalue_floor(sandwich.solved, robust)

    def _by_jackknife(self, measured: Measured) -> RobustCovariance:
        vcov, design, basis = self.sandwich.vcov, self.fitted_model.design, measured.basis
        sums = self.runner.fold(
            ClusterMomentsPass(design, vcov.clusters, self.memory, self.fitted_model, self.fitted_model.drop, basis)
        )
        check_null_clusters(vcov, sums.null_clusters)
        check_groups(sums.clusters, vcov)
        products, scores = sums.products[:, :-1, :-1], sums.products[:, :-1, -1]
        found = jackknife_changes(products, scores, np.ones(basis.width, bool))
        factor = vcov.factor(self.sandwich.facts, len(found.changes), len(found.changes))
        error = self._sum_error(measured, scores, float(sums.counts.max()))
        rounding = measured.basis_error + basis.width * pass_rounding_error(self.sandwich.solved)
        error = (error + rounding * float(np.linalg.norm(found.changes))) / found.lowest
        return self._covariance(measured, [Terms(found.changes, factor, error)], (len(found.changes),))

    def _sum_error(self, measured: Measured, sums: Matrix, largest: float) -> float:
        """Bound of the norm of the errors of sums of scores by cluster (G, k). largest : rows of the largest one."""
        rounding = pass_rounding_error(self.sandwich.solved, largest) * np.sqrt(measured.basis.width)
        rows = (measured.row_errors + rounding) * measured.sums.largest_score * np.sqrt(largest)
        return measured.basis_error * float(np.linalg.norm(sums)) + float(rows) + measured.residual_error

    @np.errstate(over="ignore", invalid="ignore")  # an overflow is infinite, which shows
    def _covariance(
        self,
        measured: Measured,
        terms: list[Terms],
        groups: tuple[int, ...],
        relative: float = 4.0 * EPS,
        squares: Vector | None = None,
    ) -> RobustCovariance:
        """The covariance from what rows or clusters add. relative : further relative error of standard errors.

        squares : (p,) sums of squares in the model's columns, where they were summed without terms that cancel.
        """
        sandwich, basis, solved = self.sandwich, measured.basis, self.sandwich.solved
        inner = sum((t.factor * (t.half.T @ t.half) for t in terms), np.zeros((basis.width, basis.width)))
        covariance = nan_where_unidentified(solved, basis.model @ inner @ basis.model.T)
        own = [np.square(t.half @ basis.model.T).sum(axis=0) for t in terms] if squares is None else [squares]
        variances = sum((t.factor * v for t, v in zip(terms, own, strict=True)), np.zeros(len(covariance)))
        np.fill_diagonal(covariance, np.where(solved.identified, variances, np.nan))
        df = sandwich.vcov.degrees_of_freedom(sandwich.facts, min(groups, default=0))
        triangle = np.asarray(np.linalg.qr(terms[0].half, mode="r")) if len(terms) == 1 else None
        robust = RobustCovariance(
            sandwich.vcov,
            symmetric(basis.W @ inner @ basis.W.T),
            symmetric(covariance),
            terms[0].factor,
            df,
            groups,
            solved_root=None if triangle is None else _padded(basis.W @ triangle.T * np.sqrt(terms[0].factor)),
        )
        return with_zeros(solved, robust, _total_noise(solved, basis, terms, own, relative))


def _total_noise(solved: Solved, basis: Basis, terms: list[Terms], variances: list[Vector], relative: float) -> Vector:
    """Bounds (p,) of the errors of standard errors: of a difference of variances those of all of them."""
    size, std_errors = np.zeros(len(basis.model)), np.sqrt(np.maximum(0.0, _signed(terms, variances)))
    for t, v in zip(terms, variances, strict=True):
        part = noise(solved, basis.W, t.error, float(np.linalg.norm(t.half))) + relative * np.sqrt(v)
        if len(terms) == 1:
            return np.asarray(np.sqrt(t.factor) * part)
        size += abs(t.factor) * (2.0 * np.sqrt(v) * part + part**2)
    return size / np.maximum(np.maximum(std_errors, np.sqrt(size)), np.finfo(float).tiny)


def _signed(terms: list[Terms], variances: list[Vector]) -> Vector:
    """The sum of the variances with their factors, (p,)."""
    return np.asarray(sum((t.factor * v for t, v in zip(terms, variances, strict=True)), np.zeros(len(variances[0]))))


def _padded(root: Matrix) -> Matrix:
    """A root (p, k) with columns of zeros up to (p, p)."""
    return np.hstack([root, np.zeros((len(root), len(root) - root.shape[1]))])


_EVALUATE: Mapping[type[Estimator], Callable[[CarefulJob, Measured], RobustCovariance]] = {
    Rowwise: CarefulJob._by_row,
    Clustered: CarefulJob._by_cluster,
    Jackknife: CarefulJob._by_jackknife,
}
