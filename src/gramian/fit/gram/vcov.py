"""Covariances by cluster for models of a Gram that stores products by cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.errors import OptionError
from gramian.fit.gram.clusters import moments_for
from gramian.fit.gram.submodel import plan_of
from gramian.fit.gram.sums import GramData
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.options import Options
from gramian.fit.vcov.certificate import check_digits
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.job import from_moments
from gramian.fit.vcov.sandwich import Sandwich
from gramian.formula.design import Design
from gramian.inference.estimators import IID
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec


def named_of_gram(gram_data: GramData, vcov: Any) -> Any:
    """The option `vcov=` with columns by which products are stored where it names none. Raises OptionError."""
    if vcov == IID:
        return vcov
    from gramian.fit.vcov.names import Names, completed_vcov

    stored = () if gram_data.clusters is None else gram_data.clusters.by
    return completed_vcov(vcov, lambda: Names(stored, gram_data.design.terms.absorbed))


def check_stored_clusters(gram_data: GramData, vcov: VcovSpec, options: Options) -> None:
    """Raise OptionError for a covariance that cannot be computed from the stored sums."""
    vcov.check_model((), penalized=options.alpha is not None, is_glm=False)
    _check_stored(gram_data, vcov)


def _check_stored(gram_data: GramData, vcov: VcovSpec) -> None:
    """Raise OptionError where the products by the clusters of a covariance are not stored."""
    if not vcov.clusters:
        raise OptionError(
            f"{vcov.name} needs the residual of every row, and a Gram has no rows: fit the data with "
            f"gm.ols(..., vcov={vcov.argument}), or give the rows again, as in fit.with_vcov({vcov.argument}, data)"
        )
    stored = () if gram_data.clusters is None else gram_data.clusters.by
    if vcov.clusters != stored:
        requested = repr(vcov.clusters[0]) if len(vcov.clusters) == 1 else repr(list(vcov.clusters))
        stored_text = f"products by {' and '.join(stored)}" if stored else "no products by cluster"
        raise OptionError(
            f"{vcov.name}: this Gram stores {stored_text}; make it with gm.gram(..., cluster={requested})"
        )


def check_not_absorbed(absorbed: tuple[str, ...]) -> None:
    """Raise OptionError with absorbed factors: sums by fold, group or cluster do not include those of their levels."""
    if absorbed:
        names = " and ".join(absorbed)
        raise OptionError(
            f"folds, groups and clusters are not stored within the absorbed levels of {names}: write it as a term, "
            f"as in + factor({absorbed[0]}), or fit the data themselves with gm.ols"
        )


def with_cluster_vcov(gram_data: GramData, design: Design, solved: Solved, vcov: VcovSpec) -> Solved:
    """A fit to all rows with the covariance CR0, CR1 or CR3, computed from products by cluster without data.

    The score of a cluster is X_c'y_c - X_c'X_c b, a combination of its products. Raises OptionError with absorbed
    factors, NumericalError if the covariance is not defined, SchemaError if a column was stored only as a part of other
    terms.
    """
    cluster_moments = _stored_moments(gram_data, design, solved)
    sandwich = Sandwich(solved, vcov, ModelFacts(solved.rows, solved.leverage))
    with_vcov = replace(solved, robust=from_moments(sandwich, cluster_moments))
    check_digits(with_vcov, f"a Gram has no rows: give them, as in fit.with_vcov({vcov.argument}, data)")
    return with_vcov


def cluster_moments(gram_data: GramData, solved: Solved, vcov: VcovSpec) -> ClusterMoments:
    """Products by cluster of the columns that a model of the Gram was solved for.

    Raises OptionError where they are not stored, or the model is not one of this Gram.
    """
    _check_stored(gram_data, vcov)
    own, other = gram_data.design.coordinates or {}, solved.design.coordinates or {}
    if any(other[name] != coordinate for name, coordinate in own.items() if name in other):
        raise OptionError("this fit is not one of this Gram: make it with gram.ols(...), or give the rows as data")
    return _stored_moments(gram_data, solved.design, solved)


def _stored_moments(gram_data: GramData, design: Design, solved: Solved) -> ClusterMoments:
    """The products by cluster of a model, in its names; its coordinates are those of the Gram."""
    assert gram_data.clusters is not None
    check_not_absorbed(design.terms.absorbed)
    plan = plan_of(gram_data.design, gram_data.moments.layout, design)
    return moments_for(gram_data.clusters.moments, solved.parametrization, solved.levels.names, plan)
