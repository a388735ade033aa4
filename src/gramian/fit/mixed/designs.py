"""The designs of a formula with random effects: what the pass sums, and the columns that are read from its sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gramian.errors import FormulaError
from gramian.fit.passes.job import design_of_formula
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import Formula
from gramian.formula.syntax import Call, Number, RandomTerms, Sum, Terms, leaves
from gramian.formula.tokens import formula_error
from gramian.schema import Schema


@dataclass(frozen=True, slots=True)
class MixedDesigns:
    """The designs of a mixed model.

    Attributes
    ----------
    joint : Design
        All columns and the outcome: what the pass sums.
    fixed : Design
        The fixed effects.
    random : tuple of Design
        The random effects; those of different designs are uncorrelated.
    by : tuple of str
        Columns that make the groups.
    """

    joint: Design
    fixed: Design
    random: tuple[Design, ...]
    by: tuple[str, ...]


def mixed_designs(formula: Formula, schema: Schema, options: Options, *, stored: bool = False) -> MixedDesigns:
    """The designs of a formula, without coordinates.

    stored : whether the columns are those of sums, among which the groups need not be.

    Raises
    ------
    FormulaError
        Without random effects, or where these have several groupings or repeat a term.
    ColumnError, SchemaError
        Where the formula does not fit the columns.
    """
    _check(formula)
    by = formula.random[0].by
    for column in () if stored else by:
        schema[column]  # raises where there is none

    def design(*parts: Terms) -> Design:
        terms = Sum(tuple((True, part) for part in parts))
        own = replace(formula, terms=terms, random=())
        return design_of_formula(own, schema, options, excluded=by)

    parts = [part for random in formula.random for part in _uncorrelated(random, formula.text)]
    designs = MixedDesigns(design(formula.terms, *parts), design(formula.terms), tuple(map(design, parts)), by)
    _check_terms(designs, formula)
    return designs


def _check(formula: Formula) -> None:
    """Raise FormulaError for a formula that is none of a mixed model."""
    if not formula.random:
        raise FormulaError(
            f"'{formula.text}' has no random effects: write them as in y ~ x + (1 | firm), or use gm.ols"
        )
    if formula.instruments is not None or formula.absorbed:
        what = "instruments" if formula.instruments is not None else "absorbed factors"
        raise FormulaError(f"'{formula.text}': {what} do not go with random effects; write a factor as a term instead")
    first, *others = formula.random
    for other in others:
        if set(other.by) != set(first.by):
            names = " and ".join(f"'{':'.join(r.by)}'" for r in (first, other))
            raise formula_error(
                f"the groupings {names} are crossed or nested, and mixed models here have a single grouping, "
                "whose groups are independent: leave one out, or make it fixed effects, as in + factor(year)",
                formula.text,
                other.position,
            )


def _uncorrelated(random: RandomTerms, text: str) -> Iterator[Terms]:
    """The terms of each set of effects that may be correlated: all of `|`, each by itself of `||`."""
    for leaf in leaves(random.terms):
        if isinstance(leaf, Call) and leaf.function == "offset":
            raise formula_error("an offset belongs to the fixed effects", text, random.position)
    if random.correlated:
        yield random.terms
        return
    parts = random.terms.parts if isinstance(random.terms, Sum) else ((True, random.terms),)
    if not all(adding or _is_number(part, 1) for adding, part in parts):
        raise formula_error("left of '||' terms are added only, as in (1 + x || firm)", text, random.position)
    constant = [(part.value == 1) == adding for adding, part in parts if isinstance(part, Number)]
    if all(constant[-1:]):
        yield Number(1.0)
    for _, part in parts:
        if not isinstance(part, Number):
            yield Sum(((True, Number(0.0)), (True, part)))


def _is_number(part: Terms, value: float) -> bool:
    """Whether a part is this number."""
    return isinstance(part, Number) and part.value == value


def _check_terms(designs: MixedDesigns, formula: Formula) -> None:
    """Raise FormulaError for random effects without columns, or a term that has two of them."""
    seen: set[frozenset[str]] = set()
    for design in designs.random:
        terms = design.terms.terms
        if not terms:
            raise formula_error(
                "no random effects are named, as in (1 | firm)", formula.text, formula.random[0].position
            )
        for term in terms:
            if term.key in seen:
                raise formula_error(f"{term.label} has two random effects", formula.text, formula.random[-1].position)
            seen.add(term.key)
