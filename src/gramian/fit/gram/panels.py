"""Panels and mixed models of a Gram, from the products by cluster that it stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from gramian.errors import ColumnError, OptionError, SchemaError
from gramian.fit.gram.clusters import renamed
from gramian.fit.gram.fit import in_float64
from gramian.fit.gram.models import sums_of
from gramian.fit.gram.submodel import WHERE, design_plan, submodel_of
from gramian.fit.gram.sums import GramData
from gramian.fit.gram.vcov import check_not_absorbed
from gramian.fit.mixed.designs import MixedDesigns, mixed_designs
from gramian.fit.mixed.fit import solve_mixed
from gramian.fit.mixed.options import MixedOptions, check_options
from gramian.fit.mixed.solution import MixedSolved
from gramian.fit.panel.by_group import PanelSums, ProductsByGroup
from gramian.fit.panel.fit import solve_panel
from gramian.fit.panel.options import PanelOptions
from gramian.fit.panel.solution import PanelSolved
from gramian.fit.passes.job import design_of_formula
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import parse
from gramian.inference.vcov_spec import Vcov, vcov_spec

D = TypeVar("D")  # designs of either kind


def mixed_of_gram(gram_data: GramData, formula: str, options: Options, own: MixedOptions) -> MixedSolved:
    """A mixed model of the stored columns, whose groups are the stored clusters.

    Raises OptionError where these are others, SchemaError or ColumnError for a column that is not stored, and as
    `fit_mixed`.
    """
    return solve_mixed(*mixed_sums(gram_data, formula, options), options, own)


def mixed_sums(gram_data: GramData, formula: str, options: Options) -> tuple[MixedDesigns, Design, PanelSums]:
    """The designs of a mixed model of the stored columns, the joint one with coordinates, and its sums.

    Raises as `mixed_of_gram`.
    """
    check_options(options)
    designs = _stored(lambda: mixed_designs(parse(formula), gram_data.schema, options, stored=True))
    _check_groups(gram_data, designs.by)
    stored = gram_data.design
    joint, fixed, *random = (
        replace(d, weight=stored.weight, count=stored.count) for d in (designs.joint, designs.fixed, *designs.random)
    )
    design, sums = _sums(gram_data, joint)
    return replace(designs, joint=joint, fixed=fixed, random=tuple(random)), design, sums


def panel_of_gram(gram_data: GramData, formula: str, options: Options, estimator: str, vcov: Vcov) -> PanelSolved:
    """A fit of the stored columns to the panel of the stored clusters. Raises as `mixed_of_gram` and `fit_panel`."""
    if gram_data.design.weight is not None:
        raise OptionError("fits to panels take no weights, and the sums of this Gram are weighted")
    by = () if gram_data.clusters is None else gram_data.clusters.by
    if len(by) != 1:
        _check_groups(gram_data, ("firm",))
    design = _stored(lambda: design_of_formula(parse(formula), gram_data.schema, options))
    design, sums = _sums(gram_data, replace(design, count=gram_data.design.count))
    return solve_panel(design, sums, options, PanelOptions(estimator, by[0], vcov_spec(vcov)))


def _stored(made: Callable[[], D]) -> D:
    """Designs on the columns of a Gram. Raises ColumnError that names the Gram."""
    try:
        return made()
    except ColumnError as error:
        raise ColumnError(error.name, error.names, WHERE) from None


def _check_groups(gram_data: GramData, by: tuple[str, ...]) -> None:
    """Raise OptionError where the stored clusters are not these groups."""
    stored = () if gram_data.clusters is None else gram_data.clusters.by
    if set(stored) != set(by):
        what = f"sums by {' and '.join(stored)}" if stored else "no sums within groups"
        requested = repr(by[0]) if len(by) == 1 else repr(list(by))
        raise OptionError(f"this Gram stores {what}; make it with gm.gram(..., cluster={requested})")


def _sums(gram_data: GramData, joint: Design) -> tuple[Design, PanelSums]:
    """A design in the coordinates of the Gram, and its sums, of all rows and by group."""
    check_not_absorbed(joint.terms.absorbed)
    assert gram_data.clusters is not None
    design, accumulated = submodel_of(gram_data, joint).of(*sums_of(gram_data, None))
    total, stored = in_float64(design, accumulated), gram_data.clusters.moments
    labels = renamed(stored.labels, design_plan(gram_data, joint))
    shapes = {(tuple(f for f, _ in cell), m) for cell, m in labels}
    for factors, monomials in design.terms.blocks.items():
        for m in monomials:
            if (factors, m) not in shapes:
                text = ":".join([*factors, *(v for v, _ in m)])
                raise SchemaError(
                    f"the clusters store products with {text} only as part of other terms; make the Gram with {text} "
                    "as a term of its own"
                )
    groups = ProductsByGroup(stored.clusters, labels, labels, stored.products, stored.counts)
    return design, PanelSums(groups, total)
