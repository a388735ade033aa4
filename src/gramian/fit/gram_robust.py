"""Covariances by cluster of models from a Gram that keeps the products of every cluster."""

from __future__ import annotations

from dataclasses import replace

from gramian.errors import OptionError
from gramian.fit.gathered import Gathered
from gramian.fit.options import Options
from gramian.fit.robust import from_moments
from gramian.fit.solved import Solved
from gramian.fit.stored_clusters import told_for
from gramian.fit.submodel import plan_of
from gramian.formula.design import Design
from gramian.inference.recipes import Recipe, Setup


def check_kept(gathered: Gathered, recipe: Recipe, options: Options) -> None:
    """Raise OptionError for a covariance that cannot be made of what is kept."""
    if options.alpha is not None:
        raise OptionError(f"vcov='{recipe.name}' has no meaning for a penalised fit; leave vcov or the penalty out")
    if not recipe.clusters:
        raise OptionError(
            f"{recipe.name} needs the residual of every row, and a Gram has no rows: fit the data with "
            f"gm.ols(..., vcov='{recipe.name}'), or give the rows again with fit.with_vcov('{recipe.name}', data)"
        )
    kept = () if gathered.clusters is None else gathered.clusters.by
    if recipe.clusters != kept:
        wanted = repr(recipe.clusters[0]) if len(recipe.clusters) == 1 else repr(list(recipe.clusters))
        there = f"products by {' and '.join(kept)}" if kept else "no products by cluster"
        raise OptionError(f"{recipe.name}: this Gram keeps {there}; make it with gm.gram(..., cluster={wanted})")


def check_not_absorbed(absorbed: tuple[str, ...]) -> None:
    """Raise OptionError beside absorbed factors: what is kept of folds, groups and clusters knows no such levels."""
    if absorbed:
        names = " and ".join(absorbed)
        raise OptionError(
            f"folds, groups and clusters are not kept within the absorbed levels of {names}: write it as a term, as in "
            f"+ factor({absorbed[0]}), or fit the data themselves with gm.ols"
        )


def with_clusters(gathered: Gathered, design: Design, solved: Solved, recipe: Recipe) -> Solved:
    """A fit to all rows with CR0, CR1 or CR3; reads no rows.

    Raises OptionError beside absorbed factors, NumericalError where the covariance is not defined or a column that it
    needs is kept in other cells only.
    """
    assert gathered.clusters is not None
    check_not_absorbed(design.terms.absorbed)
    plan = plan_of(gathered.design, gathered.moments.layout, design)
    keyed = told_for(gathered.clusters.keyed, solved.frame, solved.levels.names, plan)
    return replace(solved, robust=from_moments(solved, keyed, recipe, Setup(solved.rows, solved.leverage)))
