"""From the sums of a pass to a robust covariance: bread, meat, and small-sample factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from gramian.errors import DataError, NumericalError
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.vcov.bias_reduced import ClusterProducts, bias_reduced, model_contrasts, warn_of_condition
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.serial import ordered, serial_meat
from gramian.fit.vcov.spatial.meat import meat_by_place
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg import maps
from gramian.linalg.aliasing import basic_covariance
from gramian.linalg.keyed.grouped import grouped_sums
from gramian.typing import Mask, Matrix, Vector

EIGENVALUE_ROUNDING = 1e-12  # of the largest eigenvalue: a negative one that is smaller is rounding error
MIN_REMAINDER = 1e-9  # smallest eigenvalue of I - X_g'WX_g in units of X'WX: below it the other rows do not identify b


@dataclass(frozen=True, slots=True)
class ClusterPart:
    """The clusters by one combination of cluster columns.

    Attributes
    ----------
    sign : float
        1 or -1, of inclusion and exclusion.
    groups : int
        Number of clusters, G.
    sums : Matrix
        (G, p) sums of scores.
    """

    sign: float
    groups: int
    sums: Matrix


@dataclass(frozen=True, slots=True)
class Sandwich:
    """The last step of a robust covariance: from the sums of its pass to the covariance of the coefficients.

    Attributes
    ----------
    solved : Solved
        The fit; its (X'WX)^-1 is the bread.
    vcov : VcovSpec
        The estimator.
    facts : ModelFacts
        What its small-sample factor and its degrees of freedom depend on.
    observed : Matrix or None
        Inverse of the observed information, which takes the place of (X'WX)^-1.
    """

    solved: Solved
    vcov: VcovSpec
    facts: ModelFacts
    observed: Matrix | None = None

    @property
    def bread(self) -> Matrix:
        """Inverse of the information at dispersion 1, (p, p), of the columns that were solved for."""
        return self.solved.solution.inverse if self.observed is None else self.observed

    def model_based(self) -> RobustCovariance:
        """The bread times the dispersion."""
        df = self.facts.rows - self.facts.columns
        dispersion = 1.0 if self.facts.known_dispersion else self.solved.rss / df if df > 0 else float("nan")
        return self._covariance(self.bread * dispersion, 1.0)

    def by_row(self, meat: Matrix) -> RobustCovariance:
        """HC and Conley: bread times meat times bread. meat : (p, p) of the columns that were solved for."""
        factor, bread = self.vcov.factor(self.facts), self.bread
        return self._covariance(factor * (bread @ meat @ bread), factor)

    def by_cluster(self, clusters: Clusters, scores: Matrix) -> RobustCovariance:
        """CR0 and CR1 of one or more columns. scores : (c, p) by cluster, of the columns that were solved for."""
        parts, factors = self.parts(clusters, scores)
        covariance = self.summed(parts, factors)
        robust = self._covariance(
            covariance, factors[0], tuple(part.groups for part in parts[: len(self.vcov.clusters)])
        )
        return robust if len(parts) == 1 else with_eigenvalue_floor(self.solved, robust)

    def parts(self, clusters: Clusters, scores: Matrix) -> tuple[list[ClusterPart], list[float]]:
        """The parts of inclusion and exclusion, and their small-sample factors. scores : (c, p) by cluster."""
        parts, fewest = parts_of(clusters, scores), check_groups(clusters, self.vcov)
        return parts, [self.vcov.factor(self.facts, part.groups, fewest) for part in parts]

    def summed(self, parts: list[ClusterPart], factors: list[float], *, absolute: bool = False) -> Matrix:
        """The parts' covariances, (p, p), in the columns that were solved for. absolute : all with a plus sign."""
        covariance = np.zeros_like(self.solved.solution.inverse)
        for part, factor in zip(parts, factors, strict=True):
            half = part.sums @ self.bread
            covariance += (1.0 if absolute else part.sign) * factor * (half.T @ half)
        return covariance

    def by_dependence(self, clusters: Clusters, scores: Matrix, counts: Vector) -> RobustCovariance:
        """NW, DK and Conley. scores : (c, p), counts : (c,) rows, by time, by panel and time, or by place."""
        if self.vcov.cutoff is None:
            return self.by_time(clusters, scores, counts)
        robust = self.by_row(meat_by_place(clusters, scores, self.vcov))
        return with_eigenvalue_floor(self.solved, robust)

    def by_time(self, clusters: Clusters, scores: Matrix, counts: Vector) -> RobustCovariance:
        """NW and DK. scores : (c, p), counts : (c,) rows, by time, or by panel and time."""
        sums = serial_meat(ordered(clusters, scores, counts, self.vcov), self.vcov, self.slopes)
        return self.by_lags(*sums)

    def by_lags(self, meat: Matrix, vcov: VcovSpec, times: int) -> RobustCovariance:
        """A serial covariance from its meat (p, p), with its lags, and the number of times."""
        factor = self.vcov.factor(self.facts, times, times)
        covariance = factor * (self.bread @ meat @ self.bread)
        df = vcov.degrees_of_freedom(self.facts, times)
        covariance = symmetric(covariance)
        return RobustCovariance(vcov, covariance, model_covariance(self.solved, covariance), factor, df)

    @property
    def slopes(self) -> Matrix:
        """The model's columns but the constant, unless it is alone, as combinations of those solved for, (k, p)."""
        parametrization, identified = self.solved.parametrization, np.flatnonzero(self.solved.identified).tolist()
        slopes = [j for j in identified if j != parametrization.constant] or identified
        out = np.zeros((len(slopes), len(self.bread)))
        for row, j in zip(out, slopes, strict=True):
            column = {j: 1} if parametrization.to_solved is None else parametrization.to_solved[j]
            for i, share in column.items():
                row[i] = float(share)
        return out

    def by_jackknife(
        self, products: Matrix, scores: Matrix, total: Matrix | None = None
    ) -> tuple[RobustCovariance, float]:
        """CR3, and the smallest share of the products that is left without a cluster.

        products : (G, p, p) by cluster, scores : (G, p), of the columns that were solved for. total : as in
        `jackknife_changes`.
        """
        changes, lowest = jackknife_changes(products, scores, self.solved.solution.independent, total)
        factor = self.vcov.factor(self.facts, len(changes), len(changes))
        return self._covariance(factor * (changes.T @ changes), factor, (len(changes),)), lowest

    def by_adjustment(self, clusters: ClusterProducts) -> RobustCovariance:
        """CR2. clusters : products of the columns that were solved for."""
        found = bias_reduced(clusters, self.solved.solution.independent, model_contrasts(self.solved))
        robust = self._covariance(found.changes.T @ found.changes, 1.0, (len(found.changes),))
        warn_of_condition(self.solved, self.vcov.name, found.condition)
        # for what has no degrees of its own: scores of G clusters have G - 1 independent directions
        return replace(robust, coefficient_df=found.df, df=len(found.changes) - 1.0, joint=found.joint)

    def _covariance(self, solved_covariance: Matrix, factor: float, groups: tuple[int, ...] = ()) -> RobustCovariance:
        """With the covariance of the model's columns, and the degrees of freedom. groups : clusters of each column."""
        df = self.vcov.degrees_of_freedom(self.facts, min(groups, default=0))
        covariance = model_covariance(self.solved, solved_covariance)
        return RobustCovariance(self.vcov, symmetric(solved_covariance), covariance, factor, df, groups)


def parts_of(clusters: Clusters, scores: Matrix) -> list[ClusterPart]:
    """The parts of inclusion and exclusion: single columns, then pairs with a minus sign, then triples, ...

    clusters : all combinations of values. scores : (c, p) of each.
    """
    width, out = clusters.cells.shape[1], []
    for size in range(1, width + 1):
        for columns in combinations(range(width), size):
            group = clusters.by(columns)
            groups = int(group.max(initial=-1)) + 1
            all_distinct = groups == len(scores)
            sums = scores if all_distinct else grouped_sums(scores, np.ones(len(scores)), group, groups)
            out.append(ClusterPart(-1.0 if size % 2 == 0 else 1.0, groups, sums))
    return out


def check_groups(clusters: Clusters, vcov: VcovSpec) -> int:
    """Number of clusters of the column that has the fewest. Raises NumericalError where that is one."""
    counts = [int(clusters.by([i]).max(initial=-1)) + 1 for i in range(len(vcov.clusters))]
    fewest = min(counts)
    # the scores of all rows sum to zero, so with one cluster the covariance would be zero, too
    if fewest < 2:
        column = vcov.clusters[counts.index(fewest)]
        raise NumericalError(f"all rows are in one cluster by '{column}': standard errors by cluster need two or more")
    return fewest


def check_null_clusters(vcov: VcovSpec, null_clusters: int) -> None:
    """Raise DataError where clusters are null: the coefficients rest on rows that the covariance would leave out."""
    if null_clusters:
        raise DataError(
            f"{' or '.join(repr(c) for c in vcov.clusters)} is null in {null_clusters:,} of the rows that the fit "
            f"uses, so they are in no {vcov.estimator.group}; leave these rows out of the data, or give them a value"
        )


def model_covariance(solved: Solved, solved_covariance: Matrix) -> Matrix:
    """The covariance of the model's columns from that of the columns that were solved for, both (p, p)."""
    V, null = solved_covariance, solved.solution.null
    if solved.parametrization.to_model is not None:
        T = maps.map_of(solved.parametrization.to_model)
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is infinite, which shows
            V, null = maps.congruence(T, V), maps.multiply(T, null)
    # columns that the solve left out may not be those the model leaves out, whose coefficients are exactly zero
    if null.shape[1]:
        at = np.array([solved.names.index(name) for name in solved.aliased], np.int64)
        V = basic_covariance(V, at, null @ np.linalg.inv(null[at]))
    return nan_where_unidentified(solved, symmetric(V))


def with_eigenvalue_floor(solved: Solved, robust: RobustCovariance) -> RobustCovariance:
    """The covariance without the negative eigenvalues that inclusion and exclusion, or a uniform kernel, may leave.

    They are raised to the floor of the conventions, and counted. A spatial covariance keeps them but where a variance
    is negative, for they are many, and what takes their place changes all variances.
    """
    # the other rows and columns are NaN
    identified = np.ix_(solved.identified, solved.identified)
    own, negative = raised(robust.covariance[identified], robust.vcov)
    if not negative:
        return robust
    V = np.zeros_like(robust.covariance)
    V[identified] = own
    solved_covariance = (
        V
        if solved.parametrization.to_solved is None
        else maps.congruence(maps.map_of(solved.parametrization.to_solved), V)
    )
    return replace(
        robust, solved_covariance=solved_covariance, covariance=nan_where_unidentified(solved, V), negative=negative
    )


def raised(V: Matrix, vcov: VcovSpec) -> tuple[Matrix, int]:
    """V (p, p) with negative eigenvalues raised to the floor of the conventions, and how many these are."""
    small_sample = vcov.small_sample
    only_variances = small_sample.only_negative_variances or vcov.cutoff is not None
    floor = small_sample.eigenvalue_floor
    if floor is None or (only_variances and not (V.diagonal() < 0.0).any()):
        return V, 0
    values, vectors = np.linalg.eigh(V)
    noise = 0.0 if only_variances else EIGENVALUE_ROUNDING * np.abs(values).max(initial=0.0)
    negative = int((values < -noise).sum())
    return ((vectors * np.maximum(values, floor)) @ vectors.T, negative) if negative else (V, 0)


def nan_where_unidentified(solved: Solved, V: Matrix) -> Matrix:
    """V (p, p) with NaN in rows and columns of coefficients that are not identified."""
    out = V.copy()
    out[~solved.identified], out[:, ~solved.identified] = np.nan, np.nan
    return out


def symmetric(V: Matrix) -> Matrix:
    """The mean of V and its transpose, which rounding makes differ."""
    return np.asarray((V + V.T) / 2)


class JackknifeChanges(NamedTuple):
    """Changes of the coefficients when each cluster is left out.

    Attributes
    ----------
    changes : Matrix
        (G, p).
    lowest : float
        The smallest eigenvalue of the products that are left, in units of those of all rows.
    """

    changes: Matrix
    lowest: float


def jackknife_changes(
    products: Matrix, scores: Matrix, independent: Mask, total: Matrix | None = None
) -> JackknifeChanges:
    """Change of the coefficients when each cluster is left out, (G, p): -(X'WX - X_g'WX_g)^-1 s_g.

    Solved in units where X'WX = 1, in which the smallest eigenvalue of the rest says how far it identifies b.

    Parameters
    ----------
    products : Matrix
        (G, p, p) X_g'WX_g.
    scores : Matrix
        (G, p) s_g.
    independent : Mask
        (p,) columns that are used; the coefficients of the others do not change.
    total : Matrix, optional
        (p, p) X'WX, where it is not the sum of the products.

    Raises
    ------
    NumericalError
        Where a coefficient depends on one cluster alone.
    """
    P, s = products[:, independent][:, :, independent], scores[:, independent]
    S = P.sum(axis=0) if total is None else total[np.ix_(independent, independent)]
    # a unit diagonal first, which makes the factor independent of the units of the columns
    scale = 1.0 / np.sqrt(S.diagonal())
    L = np.linalg.cholesky(S * scale[:, None] * scale)
    half = np.linalg.solve(L, np.diag(scale))  # half S half' = 1
    remainder = np.eye(len(S)) - half @ P @ half.T
    lowest = np.linalg.eigvalsh(remainder).min(initial=1.0, axis=1)
    if (lowest < MIN_REMAINDER).any():
        raise NumericalError(
            f"{int((lowest < MIN_REMAINDER).sum()):,} of {len(s):,} clusters cannot be left out: a coefficient rests "
            "on one of them alone, so CR3 is not defined; use CR1, or leave that column or cluster out"
        )
    out = np.zeros(scores.shape)
    out[:, independent] = -(np.linalg.solve(remainder, (s @ half.T)[:, :, None])[:, :, 0] @ half)
    return JackknifeChanges(out, float(lowest.min(initial=1.0)))
