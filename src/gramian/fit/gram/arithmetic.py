"""Sums and differences of Grams: columns are aligned by name, levels united, the provenance updated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from gramian.errors import NumericalError, SchemaError
from gramian.fit.gram.clusters import StoredClusters, add_clusters, aligned, subtract_clusters, with_levels
from gramian.fit.gram.group_sums import GroupSums, add_group_sums, subtract_group_sums
from gramian.fit.gram.moments import AnyMoments, minus, plus
from gramian.fit.gram.provenance import Provenance, add_provenance, subtract_provenance
from gramian.fit.gram.submodel import plan_of, read_moments
from gramian.fit.gram.sums import GramData
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.splines import Spline
from gramian.formula.syntax import label
from gramian.linalg.moments import Moments
from gramian.linalg.subset_sums import SubsetPlan, subset_sums
from gramian.schema import Schema


def add_grams(a: GramData, b: GramData, *, force: bool = False) -> GramData:
    """The Gram of all rows of both, in the names and coordinates of the first.

    force : bool, whether to add an input that is in both. Errors as of `gramian.add`.
    """
    provenance = add_provenance(a.provenance, b.provenance, force=force)
    plan = _plan(a, b)
    group_sums = add_group_sums(a.group_sums, b.group_sums, partial(_read_moments, plan))
    clusters = add_clusters(a.clusters, _clusters(a, b, plan))
    # with groups the total is their sum in the order of keys, so that total and groups agree to the last bit
    moments = plus(a.moments, _read(plan, b.moments)) if group_sums is None else group_sums.total.moments
    return _gram_data_with(a, moments, a.dropped_rows + b.dropped_rows, provenance, group_sums, clusters)


def subtract_grams(a: GramData, b: GramData, *, force: bool = False) -> GramData:
    """The Gram of the rows of the first without those of the second, in the names and coordinates of the first.

    force : bool, whether to subtract an input that is not in the first. Errors as of `gramian.subtract`.
    """
    provenance = subtract_provenance(a.provenance, b.provenance, force=force)
    plan = _plan(a, b)
    moments = minus(a.moments, _read(plan, b.moments))
    group_sums = subtract_group_sums(a.group_sums, b.group_sums, partial(_read_moments, plan))
    clusters = subtract_clusters(a.clusters, _clusters(a, b, plan))
    dropped_rows = a.dropped_rows - b.dropped_rows
    if any(
        _negative(t)
        for t in (dropped_rows, *((p.dropped_rows for p in group_sums.parts.values()) if group_sums else ()))
    ):
        raise NumericalError("fewer rows were dropped from the first than from the second: its rows are not part of it")
    return _gram_data_with(
        a, moments if group_sums is None else group_sums.total.moments, dropped_rows, provenance, group_sums, clusters
    )


def _plan(a: GramData, b: GramData) -> SubsetPlan | None:
    """How to read the sums of the layout of `a` from those of `b`; None where the layouts are equal.

    Raises SchemaError if they do not store the same sums.
    """
    _check(a, b)
    # the usual case: Grams of one formula, whose sums need no look-up by name
    if a.moments.layout == b.moments.layout and a.design.terms.power_sums == b.design.terms.power_sums:
        return None
    return plan_of(b.design, b.moments.layout, a.design)


def _read(plan: SubsetPlan | None, moments: AnyMoments) -> AnyMoments:
    """Moments, float64 or exact, in the layout of a plan."""
    return moments if plan is None else read_moments(moments, plan)


def _read_moments(plan: SubsetPlan | None, moments: Moments) -> Moments:
    """Float64 moments in the layout of a plan; those of groups are never exact."""
    return moments if plan is None else subset_sums(moments, plan)


def _clusters(a: GramData, b: GramData, plan: SubsetPlan | None) -> StoredClusters | None:
    """The clusters of `b` in the names and coordinates of `a`."""
    return aligned(b.clusters, plan, b.design.coordinates, a.design.coordinates)


def _gram_data_with(
    a: GramData,
    moments: AnyMoments,
    dropped_rows: DroppedRows,
    provenance: Provenance,
    group_sums: GroupSums | None,
    clusters: StoredClusters | None,
) -> GramData:
    """A Gram with the design of `a` and new sums; levels that no row has any more are removed."""
    levels = dict(moments.levels)
    design = replace(a.design, levels=levels)
    return GramData(design, a.schema, moments, dropped_rows, provenance, group_sums, with_levels(clusters, levels))


def _negative(dropped_rows: DroppedRows) -> bool:
    """Whether any count of dropped rows is negative."""
    return min([0, *dropped_rows.causes.values(), *dropped_rows.columns.values()]) < 0


def _check(a: GramData, b: GramData) -> None:
    """Raise SchemaError unless terms, outcome, weights, offsets, kinds of columns and knots agree."""
    for what, one, other in (
        ("outcome", list(a.design.outcome), list(b.design.outcome)),
        ("weights", [a.design.weight], [b.design.weight]),
        ("counts", [a.design.count], [b.design.count]),
        ("offsets", sorted(map(label, a.design.offsets)), sorted(map(label, b.design.offsets))),
        ("absorbed factors", sorted(a.design.terms.absorbed_texts), sorted(b.design.terms.absorbed_texts)),
    ):
        if one != other:
            described = [", ".join(v.removeprefix("~") for v in values if v) or "none" for values in (one, other)]
            raise SchemaError(f"the {what} differ{'s' * (what == 'outcome')}: {described[0]}, and {described[1]}")
    _check_kinds(a.schema, b.schema)
    _check_knots(a.design.terms.splines, b.design.terms.splines)
    # both ways: the second must not have more terms either, its rows would be missing in the sums of the first
    for here, there in ((a, b), (b, a)):
        unmatched = _terms_not_in(here, there)
        if unmatched:
            raise SchemaError(
                f"the sums are of different terms: {unmatched} is in '{here.design.formula}', "
                f"not in '{there.design.formula}'"
            )


def _check_kinds(a: Schema, b: Schema) -> None:
    """Raise SchemaError for a column that is numeric in one and a factor in the other."""
    for field in a.fields:
        kinds = [schema[field.name].kind for schema in (a, b) if field.name in schema.places]
        if len(set(kinds)) > 1:
            raise SchemaError(f"column '{field.name}' is {kinds[0]} in the first, {kinds[1]} in the second")


def _check_knots(a: Mapping[str, Spline], b: Mapping[str, Spline]) -> None:
    """Raise SchemaError for a spline whose knots differ: its columns are then other functions."""
    for name in a.keys() & b.keys():
        if (a[name].knots, a[name].boundary) != (b[name].knots, b[name].boundary):
            raise SchemaError(f"the knots of {name} differ, found in the data of each: declare them and boundary")


def _terms_not_in(here: GramData, there: GramData) -> str:
    """Labels of the terms of `here` that are no terms of `there`, empty if all are."""
    keys = {frozenset(_key(there, atom) for atom in t.atoms) for t in there.design.terms.terms}
    terms = here.design.terms.terms
    return ", ".join(t.label for t in terms if frozenset(_key(here, atom) for atom in t.atoms) not in keys)


def _key(gram_data: GramData, atom: object) -> object:
    """Identity of the columns that an atom stores: two labels of one factor, or of one polynomial, store the same."""
    factors = gram_data.design.terms.factors
    if isinstance(atom, str):
        return factors[atom].column
    return getattr(atom, "leading", atom)
