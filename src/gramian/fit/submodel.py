"""Sub-models: the design and the moments that a formula needs, read from sums that hold more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from gramian.errors import ColumnError, OptionError, SchemaError, did_you_mean, listing
from gramian.fit.exact_pass import ExactAccumulated
from gramian.fit.gathered import Gathered
from gramian.fit.passes import Accumulated
from gramian.fit.sums import AnyMoments, read
from gramian.formula.design import Design, design_of, of_one
from gramian.formula.expand import Expanded, expand
from gramian.formula.grammar import Formula, parse
from gramian.formula.syntax import label
from gramian.formula.tally import Tally
from gramian.formula.terms import Term, Terms
from gramian.linalg.columns import Layout, layout
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.extract import Extract, Names, Sums, extract
from gramian.linalg.moments import Moments

WHERE = "this Gram"
Done: TypeAlias = Accumulated | ExactAccumulated


@dataclass(frozen=True, slots=True)
class Submodel:
    """What a formula needs of stored sums. plan : how its moments are read, None where they are all of them."""

    design: Design
    plan: Extract | None

    def of(self, moments: AnyMoments, tally: Tally) -> tuple[Design, Done]:
        """Design and moments, from all stored sums or from those of some rows only."""
        if self.plan is None:
            return replace(self.design, levels=dict(moments.levels)), _done(moments, tally)
        labels = {stored: new for new, stored in self.plan.factors.items()}
        columns = {labels.get(name, name): n for name, n in tally.columns.items()}
        return self.design, _done(read(moments, self.plan), Tally(tally.causes, columns))


def accumulated(gathered: Gathered, formula: str | None, drop: str | Iterable[str] | None) -> tuple[Design, Done]:
    """Design and moments of a formula, as `submodel`."""
    return submodel(gathered, None if formula is None else parse(formula), drop).of(gathered.moments, gathered.tally)


def submodel(
    gathered: Gathered, formula: Formula | None, drop: str | Iterable[str] | None = None, response: str | None = None
) -> Submodel:
    """What a formula needs, the whole one when it is None, less the terms in `drop`.

    response : which of the stored outcomes a formula that is None has, where there are several.
    Raises SchemaError or ColumnError where something is not stored, OptionError for a term that is not in the formula.
    """
    whole = gathered.design if response is None else of_one(gathered.design, response)
    if formula is None and drop is None:
        return Submodel(whole, None)
    design = whole if formula is None else design_for(gathered, formula)
    for term in (drop,) if isinstance(drop, str) else drop or ():
        design = without(gathered, design, term)
    plan = plan_of(gathered.design, gathered.moments.layout, design)
    known = gathered.design.coordinates
    coordinates = {v: known[plan.variables.get(v, v)] for v in (*design.terms.variables, *design.outcome)}
    return Submodel(replace(design, coordinates=coordinates, matrix=None), plan)


def _done(moments: AnyMoments, tally: Tally) -> Done:
    if isinstance(moments, ExactMoments):
        return ExactAccumulated(moments, tally)
    return Accumulated(moments, tally)


def design_for(gathered: Gathered, formula: Formula) -> Design:
    """A design without coordinates; its columns are those that were read."""
    stored = gathered.design
    design = design_of(_expanded(gathered, formula), formula.text, gathered.schema)
    splines = {name: stored.terms.splines.get(name, spline) for name, spline in design.terms.splines.items()}
    return replace(design, terms=replace(design.terms, splines=splines), weight=stored.weight, count=stored.count)


def _expanded(gathered: Gathered, formula: Formula) -> Expanded:
    try:
        absorbing = isinstance(gathered.moments, Moments)
        return expand(formula, gathered.schema.names, gathered.schema.matrices, absorbing=absorbing)
    except ColumnError as error:
        raise ColumnError(error.name, error.names, WHERE) from None


def without(gathered: Gathered, design: Design, text: str) -> Design:
    """The design less some terms, as in `y ~ a*b - a:b`."""
    expanded = _expanded(gathered, parse(f"{label(next(iter(design.outcome.values())))} ~ {text}"))
    gone = [frozenset(map(label, term)) for term in expanded.terms]
    kept = tuple(t for t in design.terms.terms if t.key not in gone)
    if len(kept) > len(design.terms.terms) - len(gone) or not gone:
        labels = [t.label for t in design.terms.terms if t.atoms]
        raise OptionError(f"drop: no term '{text}'{did_you_mean(text, labels)} (terms: {listing(labels)})")
    return replace(design, formula=_less(design.formula, text), terms=design.terms.only(kept))


def _less(formula: str, text: str) -> str:
    """The formula with `- text` among its terms, before what it absorbs."""
    terms, bar, absorbed = formula.partition("|")
    return f"{terms.rstrip()} - {text}" + (f" {bar}{absorbed}" if bar else "")


def plan_of(stored: Design, layout: Layout, wanted: Design) -> Extract:
    """How the sums of one design, kept in a layout, make up those of another. Raises SchemaError where they do not."""
    variables, factors = _stored_names(stored, wanted)
    _check_offsets(stored, wanted)
    powers = wanted.terms.power_sums()
    known = Sums(layout, stored.terms.power_sums() if powers else {}, stored.weight is not None)
    plan = extract(known, Sums(wanted.layout, powers), variables, factors)
    if plan.missing:
        raise _not_stored(stored, known, wanted, variables, factors)
    return plan


def _stored_names(stored: Design, wanted: Design) -> tuple[Names, Names]:
    """Variables (with the outcome) and factors of a design -> what they are called where they are stored."""
    variables: dict[str, str] = {}
    known = {*stored.terms.variables, *stored.outcome}
    for name in (*wanted.terms.variables, *wanted.outcome):
        bare = name.removeprefix("~")
        other = bare if bare in known else f"~{bare}"
        if name not in known and other in known:
            variables[name] = other
    columns = {f.column: name for name, f in reversed(list(stored.terms.factors.items()))}
    factors = {name: columns[f.column] for name, f in wanted.terms.factors.items() if f.column in columns}
    return variables, {new: (new if new in stored.terms.factors else old) for new, old in factors.items()}


def _check_offsets(stored: Design, wanted: Design) -> None:
    """An outcome is stored less its offsets."""
    kept, asked = ([f"offset({label(node)})" for node in design.offsets] for design in (stored, wanted))
    same_outcome = wanted.outcome.keys() <= stored.outcome.keys()
    if same_outcome and sorted(kept) != sorted(asked):
        what = " + ".join(kept) or "no offset"
        raise SchemaError(f"the outcome is stored with {what}; a formula for it needs the same", WHERE)
    if asked and not same_outcome:
        raise SchemaError(f"{asked[0]} is stored for {_outcomes(stored)} only", WHERE)
    if kept and {f"~{v}" for v in wanted.terms.variables} & stored.outcome.keys():
        raise SchemaError(f"{_outcomes(stored)} is stored less {kept[0]}, so it cannot stand right of '~'", WHERE)


def _outcomes(design: Design) -> str:
    return ", ".join(f"'{name.removeprefix('~')}'" for name in design.outcome)


def _not_stored(stored: Design, known: Sums, wanted: Design, variables: Names, factors: Names) -> SchemaError:
    """What to say: the terms that are not stored, or the outcome, and a formula that stores them."""

    def there(terms: tuple[Term, ...], outcome: Mapping[str, object]) -> bool:
        alone = Terms(terms, {}, {})
        sums = Sums(layout(alone.blocks(), tuple(outcome)), alone.power_sums())
        return not extract(known, sums, variables, factors).missing

    (outcome,) = wanted.outcome
    if not there((), wanted.outcome):
        name = outcome.removeprefix("~")
        return SchemaError(
            f"cannot have the outcome '{name}': it stores {stored.formula}, "
            "and only its outcome and numeric terms of one column may stand left of '~'",
            WHERE,
        )
    terms = wanted.terms.terms
    labels = [t.label for t in terms if not there((t,), wanted.outcome)] or [t.label for t in terms]
    return SchemaError(
        f"does not store {listing(labels, 5)}; it stores {stored.formula}\n"
        f'what is missing has to be in it, as in gm.gram("{stored.formula} + {labels[0]}", data)',
        WHERE,
    )
