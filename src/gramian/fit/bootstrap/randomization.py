"""Randomization inference about one coefficient of a linear fit: the treatment is assigned again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from gramian.errors import DataError, NumericalError, OptionError, one_of
from gramian.fit.bootstrap.assignment_sums import BASIS, RESIDUAL, WEIGHT, UnitPass, UnitSums
from gramian.fit.bootstrap.cluster_sums import check_model
from gramian.fit.bootstrap.randomization_result import RandomizationTest
from gramian.fit.bootstrap.wild import one_equation
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.basis import basis_of, first_combinations
from gramian.fit.vcov.fit import check_same
from gramian.fit.vcov.job import cluster_memory
from gramian.fit.vcov.scores import FittedModel
from gramian.formula.syntax import names
from gramian.formula.terms import Term, Terms
from gramian.inference.draws.assignments import (
    SAME_VALUE,
    Assigned,
    all_assignments,
    count_assignments,
    distinct,
    extremes,
    random_assignments,
)
from gramian.inference.draws.sign_weights import check_draws
from gramian.inference.draws.wild import ALTERNATIVES, Draws
from gramian.linalg.orthonormal import inverse_square_root
from gramian.typing import Codes, Mask, Vector


@dataclass(frozen=True, slots=True)
class Assignment:
    """How treatments are assigned again.

    Attributes
    ----------
    cluster : str or None
        Column of the units that were assigned; None for rows.
    strata : tuple of str
        Columns within whose values treatments change places.
    draws, seed : int
        Number of random assignments, and the seed.
    alternative : str
        On which side an estimate is further out.
    level : float
        Of the interval.
    """

    cluster: str | None
    strata: tuple[str, ...]
    draws: int
    seed: int
    alternative: str
    level: float

    def __post_init__(self) -> None:
        one_of("alternative", self.alternative, ALTERNATIVES)
        check_draws(self.draws)
        if not 0.0 < self.level < 1.0:
            raise OptionError(f"level must lie between 0 and 1, found {self.level!r}")


def randomization_test(solved: Solved, runner: PassRunner, hypothesis: str, how: Assignment) -> RandomizationTest:
    """The test.

    Raises
    ------
    OptionError
        For a hypothesis that is not about one coefficient, for a treatment that is part of other columns, too, and as
        `check_model`.
    DataError
        For other rows than those of the fit, for a treatment that varies within clusters, for clusters in several
        strata, and for rows that do not fit into memory.
    NumericalError
        Where all units have the same treatment in their strata.
    """
    check_model(solved)
    at, effect = _coefficient(solved, hypothesis)
    fitted_model = FittedModel(solved).for_schema(runner.source.schema)
    combinations = first_combinations(solved)
    if combinations is None:
        raise NumericalError("the variances of these columns are beyond float64: rescale the columns")
    basis, known = basis_of(fitted_model, combinations), solved.identified
    # the rows of the model's columns are those of the basis times the inverse of this map
    treatment = np.asarray(np.linalg.inv(basis.model[known])[:, int(known[:at].sum())])
    by = (*(() if how.cluster is None else (how.cluster,)), *how.strata)
    task = UnitPass(fitted_model, basis, treatment, by, how.cluster is None, cluster_memory())
    sums = runner.fold(task)
    check_same(solved, solved.rss, sums.rows, sums.loss)
    assigned = _assigned(sums, basis.model[at], how, solved.names[at])
    return _tested(assigned, hypothesis, solved.names[at], float(solved.coefficients[at]), effect, how)


def _tested(
    units: Assigned, hypothesis: str, name: str, estimate: float, effect: float, how: Assignment
) -> RandomizationTest:
    """The coefficients of all assignments, or of random ones, beside the estimate."""
    possible = count_assignments(units.treatment, units.strata)
    if possible < 2:
        raise NumericalError(f"every unit has the same {name} as the others of its stratum: nothing can be assigned")
    is_complete = possible <= how.draws
    parts = (
        [all_assignments(units.treatment, units.strata)]
        if is_complete
        else random_assignments(units.treatment, units.strata, how.draws, how.seed)
    )
    u, q, has_one = (np.concatenate(each) for each in zip(*map(units.coefficients, parts), strict=True))
    u, q, own = u[has_one], q[has_one], estimate - effect
    if not len(u):
        raise NumericalError(f"no assignment of {name} has a coefficient beside the other columns")
    found = extremes(u + own * q, own, how.alternative)
    one, zero = np.ones(len(u)), np.zeros(len(u))
    low, high = Draws(np.stack([u, q]), np.stack([one, zero, zero]), 1.0, counts_ties=True).interval(1.0 - how.level)
    return RandomizationTest(
        hypothesis, estimate, found.count / len(u), found.count, found.ties, estimate - high, estimate - low,
        how.level, len(u), len(has_one) - len(u), is_complete, len(units.treatment), int(units.strata.max()) + 1,
        how.seed, effect + u + own * q,
    )  # fmt: skip


def _assigned(sums: UnitSums, model: Vector, how: Assignment, name: str) -> Assigned:
    """The units in the order of their values, or of the rows, in an exactly orthonormal basis."""
    if sums.null_clusters:
        columns = " or ".join(repr(c) for c in (how.cluster, *how.strata) if c is not None)
        raise DataError(f"{columns} is null in {sums.null_clusters:,} of the rows that the fit uses: leave them out")
    used = np.isfinite(sums.low)
    order, strata = _order(sums, how, used)
    low, high = sums.low[order], sums.high[order]
    spread = float(high.max() - low.min())
    varies = high - low > SAME_VALUE * spread
    if varies.any():
        raise DataError(
            f"{name} varies within {int(varies.sum()):,} of {len(order):,} clusters by {how.cluster}, which then were "
            "not assigned as a whole: leave cluster= out, or give the column of what was assigned"
        )
    C = inverse_square_root(sums.gram)
    g = C.T @ model
    length = 1.0 / float(np.linalg.norm(g))
    values = sums.sums[order]
    return Assigned(
        distinct(low), values[:, WEIGHT], values[:, RESIDUAL], values[:, BASIS:] @ C, g * length, length, strata
    )


def _order(sums: UnitSums, how: Assignment, used: Mask) -> tuple[Codes, Codes]:
    """Positions of the units in an order that cuts do not change, and the stratum of each."""
    if how.cluster is None:
        order = np.arange(len(sums.low))
        return order, _ranks(sums, range(len(how.strata)))[sums.group] if how.strata else np.zeros(len(order), np.int64)
    own = _ranks(sums, [0])
    if len(np.unique(own[used])) < int(used.sum()):
        raise DataError(f"a cluster by {how.cluster} lies in several strata by {' and '.join(how.strata)}")
    order = np.flatnonzero(used)[np.argsort(own[used])]
    strata = _ranks(sums, range(1, 1 + len(how.strata))) if how.strata else np.zeros(len(own), np.int64)
    return order, np.unique(strata[order], return_inverse=True)[1].reshape(-1)


def _ranks(sums: UnitSums, columns: Sequence[int]) -> Codes:
    """Numbers (c,) of the clusters by some of their columns, in the order of the values."""
    ranks = []
    for i in columns:
        values = sums.clusters.names[i]
        rank = np.empty(len(values), np.int64)
        rank[np.asarray(pc.sort_indices(values)).astype(np.int64)] = np.arange(len(values))
        ranks.append(rank[sums.clusters.cells[:, i]])
    return np.unique(np.column_stack(ranks), axis=0, return_inverse=True)[1].reshape(-1)


def _coefficient(solved: Solved, hypothesis: str) -> tuple[int, float]:
    """Position of the coefficient, and its value under the hypothesis.

    Raises OptionError where it is not about one coefficient, or its data are in other columns, too.
    """
    _, row, right = one_equation(solved, hypothesis)
    (used,) = np.nonzero(row)
    if len(used) != 1:
        raise OptionError(f"{hypothesis}: randomization is about one coefficient, the treatment's: write treated = 0")
    at, terms = int(used[0]), solved.design.terms
    own = terms.terms[solved.terms[at]]
    columns = set(_columns(terms, own))
    if not columns:
        raise OptionError("the intercept is not assigned: name the coefficient of the treatment, as in treated = 0")
    for j, t in enumerate(solved.terms):
        other = terms.terms[t]
        if j != at and columns & set(_columns(terms, other)):
            raise OptionError(
                f"assigning {' and '.join(sorted(columns))} anew would change '{solved.names[j]}', too: randomization "
                "is of a treatment that makes one column of the model, so leave that term out, or test by "
                "fit.wild_bootstrap"
            )
    return at, right / float(row[at])


def _columns(terms: Terms, term: Term) -> tuple[str, ...]:
    """The columns of the data that a term is made of."""
    variables = {v.lstrip("~") for monomial in term.leading for v, _ in monomial}
    numeric = names(*(terms.variables[v] for v in variables if v in terms.variables))
    return (*numeric, *(c for f in term.factors for c in terms.factors[f].columns))
