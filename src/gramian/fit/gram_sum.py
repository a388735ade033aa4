"""Sums and differences of what Grams hold: columns aligned by name, levels united, the ledger kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from gramian.errors import NumericalError, SchemaError
from gramian.fit import apart, ledger, stored_clusters
from gramian.fit.apart import Apart
from gramian.fit.gathered import Gathered
from gramian.fit.stored_clusters import StoredClusters
from gramian.fit.submodel import plan_of
from gramian.fit.sums import AnyMoments, minus, plus, read
from gramian.formula.splines import Spline
from gramian.formula.syntax import label
from gramian.formula.tally import Tally
from gramian.linalg.extract import Extract, extracted
from gramian.linalg.moments import Moments
from gramian.schema import Schema


def added(a: Gathered, b: Gathered, *, force: bool = False) -> Gathered:
    """All rows of both.

    Raises SchemaError where they do not store the same sums, DataError where an input is in both, unless forced.
    """
    times = ledger.added(a.ledger, b.ledger, force=force)
    plan = _plan(a, b)
    kept = apart.added(a.apart, b.apart, partial(_part, plan))
    clusters = stored_clusters.added(a.clusters, _clusters(a, b, plan))
    moments = plus(a.moments, _read(plan, b.moments)) if kept is None else kept.total.moments
    return _with(a, moments, a.tally + b.tally, times, kept, clusters)


def subtracted(a: Gathered, b: Gathered, *, force: bool = False) -> Gathered:
    """The rows of the first without those of the second.

    Raises SchemaError where they do not store the same sums, DataError where an input of the second is not in the
    first, unless forced, NumericalError where the first has fewer rows of some level than the second.
    """
    times = ledger.subtracted(a.ledger, b.ledger, force=force)
    plan = _plan(a, b)
    moments = minus(a.moments, _read(plan, b.moments))
    kept = apart.subtracted(a.apart, b.apart, partial(_part, plan))
    clusters = stored_clusters.subtracted(a.clusters, _clusters(a, b, plan))
    tally = a.tally - b.tally
    if any(_negative(t) for t in (tally, *((p.tally for p in kept.parts.values()) if kept else ()))):
        raise NumericalError("fewer rows were left out of the first than of the second: its rows are not part of it")
    return _with(a, moments if kept is None else kept.total.moments, tally, times, kept, clusters)


def _plan(a: Gathered, b: Gathered) -> Extract | None:
    """How the sums of the first are read from those of the second; None where they are the same ones."""
    _check(a, b)
    if a.moments.layout == b.moments.layout and a.design.terms.power_sums() == b.design.terms.power_sums():
        return None
    return plan_of(b.design, b.moments.layout, a.design)


def _read(plan: Extract | None, moments: AnyMoments) -> AnyMoments:
    return moments if plan is None else read(moments, plan)


def _part(plan: Extract | None, moments: Moments) -> Moments:
    return moments if plan is None else extracted(moments, plan)


def _clusters(a: Gathered, b: Gathered, plan: Extract | None) -> StoredClusters | None:
    return stored_clusters.aligned(b.clusters, plan, b.design.coordinates, a.design.coordinates)


def _with(
    a: Gathered,
    moments: AnyMoments,
    tally: Tally,
    times: ledger.Ledger,
    kept: Apart | None,
    clusters: StoredClusters | None,
) -> Gathered:
    levels = dict(moments.levels)
    design = replace(a.design, levels=levels)
    return Gathered(design, a.schema, moments, tally, times, kept, stored_clusters.with_levels(clusters, levels))


def _negative(tally: Tally) -> bool:
    return min([0, *tally.causes.values(), *tally.columns.values()]) < 0


def _check(a: Gathered, b: Gathered) -> None:
    """The same terms, outcome, weights and offsets, of columns of the same kind."""
    for what, one, other in (
        ("outcome", list(a.design.outcome), list(b.design.outcome)),
        ("weights", [a.design.weight], [b.design.weight]),
        ("counts", [a.design.count], [b.design.count]),
        ("offsets", sorted(map(label, a.design.offsets)), sorted(map(label, b.design.offsets))),
        ("absorbed factors", sorted(a.design.terms.absorbed), sorted(b.design.terms.absorbed)),
    ):
        if one != other:
            told = [", ".join(v.removeprefix("~") for v in values if v) or "none" for values in (one, other)]
            raise SchemaError(f"the {what} differ{'s' * (what == 'outcome')}: {told[0]}, and {told[1]}")
    _check_kinds(a.schema, b.schema)
    _check_knots(a.design.terms.splines, b.design.terms.splines)
    for here, there in ((a, b), (b, a)):
        missing = _missing(here, there)
        if missing:
            raise SchemaError(
                f"the sums are of different terms: {missing} is in '{here.design.formula}', "
                f"not in '{there.design.formula}'"
            )


def _check_kinds(a: Schema, b: Schema) -> None:
    for field in a.fields:
        kinds = [schema[field.name].kind for schema in (a, b) if field.name in schema.places]
        if len(set(kinds)) > 1:
            raise SchemaError(f"column '{field.name}' is {kinds[0]} in the first, {kinds[1]} in the second")


def _check_knots(a: Mapping[str, Spline], b: Mapping[str, Spline]) -> None:
    for name in a.keys() & b.keys():
        if (a[name].knots, a[name].boundary) != (b[name].knots, b[name].boundary):
            raise SchemaError(f"the knots of {name} differ, found in the data of each: declare them and boundary")


def _missing(here: Gathered, there: Gathered) -> str:
    """Terms of the one that are not terms of the other."""
    known = {frozenset(_key(there, atom) for atom in t.atoms) for t in there.design.terms.terms}
    terms = here.design.terms.terms
    return ", ".join(t.label for t in terms if frozenset(_key(here, atom) for atom in t.atoms) not in known)


def _key(gathered: Gathered, atom: object) -> object:
    """What an atom stores: two labels of one factor, or of one polynomial, store the same."""
    factors = gathered.design.terms.factors
    if isinstance(atom, str):
        return factors[atom].column
    return getattr(atom, "leading", atom)
