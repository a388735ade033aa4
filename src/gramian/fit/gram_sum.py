"""Sums and differences of what Grams hold: columns aligned by name, levels united, the ledger kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gramian.batch import Schema
from gramian.errors import NumericalError, SchemaError
from gramian.fit import ledger
from gramian.fit.gathered import Gathered
from gramian.fit.submodel import plan_of
from gramian.fit.sums import AnyMoments, minus, plus, read
from gramian.formula.splines import Spline
from gramian.formula.syntax import label


def added(a: Gathered, b: Gathered, *, force: bool = False) -> Gathered:
    """All rows of both.

    Raises SchemaError where they do not store the same sums, DataError where an input is in both, unless forced.
    """
    times = ledger.added(a.ledger, b.ledger, force=force)
    moments = plus(a.moments, aligned(a, b))
    return _with(a, b, moments, times, 1)


def subtracted(a: Gathered, b: Gathered, *, force: bool = False) -> Gathered:
    """The rows of the first without those of the second.

    Raises SchemaError where they do not store the same sums, DataError where an input of the second is not in the
    first, unless forced, NumericalError where the first has fewer rows of some level than the second.
    """
    times = ledger.subtracted(a.ledger, b.ledger, force=force)
    moments = minus(a.moments, aligned(a, b))
    return _with(a, b, moments, times, -1)


def aligned(a: Gathered, b: Gathered) -> AnyMoments:
    """The moments of the second in the order of the first."""
    _check(a, b)
    moments = b.moments
    if a.moments.layout != moments.layout or a.design.terms.power_sums() != b.design.terms.power_sums():
        return read(moments, plan_of(b.design, moments.layout, a.design))
    return moments


def _with(a: Gathered, b: Gathered, moments: AnyMoments, times: ledger.Ledger, sign: int) -> Gathered:
    design = replace(a.design, levels=dict(moments.levels))
    tally = a.tally + b.tally if sign > 0 else a.tally - b.tally
    if min([0, *tally.causes.values(), *tally.columns.values()]) < 0:
        raise NumericalError("fewer rows were left out of the first than of the second: its rows are not part of it")
    return replace(a, design=design, moments=moments, tally=tally, ledger=times)


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
