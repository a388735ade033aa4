"""The models that a formula stands for, of every outcome, right side and set of absorbed factors; their passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from gramian.errors import FormulaError, OptionError
from gramian.fit.passes.job import design_of_formula
from gramian.fit.passes.keys import ByColumns
from gramian.fit.passes.options import Options
from gramian.fit.passes.patterns import Samples, needed
from gramian.formula.design import Design, outcomes_of
from gramian.formula.grammar import Formula
from gramian.formula.syntax import COMBINE, Call, Sum, label, names
from gramian.linalg.moments import Moments
from gramian.linalg.subset_sums import AvailableSums, SubsetPlan, plan_subset, subset_sums
from gramian.schema import Schema

OUTCOME, RIGHT_SIDE, ABSORBED = "outcome", "right_side", "absorbed"
MAX_FITS = 10_000  # models that a formula may stand for


@dataclass(frozen=True, slots=True)
class Specification:
    """One of the models that a formula stands for.

    Attributes
    ----------
    key : tuple of str
        Its outcome, right side and absorbed factors, as far as there are several of them.
    formula : Formula
        Its own formula, with one outcome.
    """

    key: tuple[str, ...]
    formula: Formula


def key_names(formula: Formula, by: ByColumns | None = None) -> tuple[str, ...]:
    """Names of the parts of a key: "outcome", "right_side" and "absorbed" if there are several, then those of `by`.

    Raises OptionError where a column of `by` has one of these names.
    """
    several = {
        OUTCOME: len(outcomes_of(formula.outcome)),
        RIGHT_SIDE: len(formula.right_sides),
        ABSORBED: len(formula.absorbed_sets),
    }
    own = tuple(name for name, count in several.items() if count > 1)
    by_names = () if by is None else by.names
    for name in by_names:
        if name in own:
            what = {OUTCOME: "outcomes", RIGHT_SIDE: "right sides", ABSORBED: "sets of absorbed factors"}[name]
            raise OptionError(f"by='{name}': with several {what} this names that of a fit; rename the column")
    return own + by_names


def specifications(formula: Formula) -> list[Specification]:
    """All models that a formula stands for: outcomes first, then right sides, then absorbed factors.

    Raises FormulaError for too many.
    """
    written = formula.text.partition("~")[2]
    nodes = outcomes_of(formula.outcome)
    rights = formula.right_sides or ((written, formula.terms),)
    absorbing = formula.absorbed_sets or ((None, formula.absorbed),)
    count = len(nodes) * len(rights) * len(absorbing)
    if count > MAX_FITS:
        raise FormulaError(f"the formula stands for {count:,} models; up to {MAX_FITS:,} are possible")
    counts = len(nodes), len(rights), len(absorbing)
    out = []
    for node in nodes:
        for right, terms in rights:
            for text, absorbed in absorbing:
                parts = (label(node), right, text or "")
                key = tuple(part for part, several in zip(parts, counts, strict=True) if several > 1)
                behind = f" | {text}" if absorbed and text else ""
                if formula.right_sides and formula.instruments is not None:
                    behind += f" | {formula.instruments.text}"
                shown = f"{label(node)} ~{right if not formula.right_sides else f' {right}'}{behind}"
                own = Formula(shown, node, terms, absorbed, formula.instruments)
                out.append(Specification(key, own))
    return out


class Model(NamedTuple):
    """A specification with its design.

    Attributes
    ----------
    key : tuple of str
        Of the specification.
    design : Design
        Its terms on the columns of the data; without coordinates before the pass.
    sample : int
        Which rows it needs, among the samples of its pass.
    """

    key: tuple[str, ...]
    design: Design
    sample: int


@dataclass(frozen=True, slots=True)
class SharedPass:
    """Models whose sums come from one pass: those with the same absorbed factors.

    Attributes
    ----------
    design : Design
        The columns of all of them.
    models : tuple of Model
        The models.
    samples : Samples
        Columns that their rows need.
    """

    design: Design
    models: tuple[Model, ...]
    samples: Samples


DesignMaker = Callable[[Formula, Schema, Options, Sequence[str]], Design]  # the last are columns that `.` leaves out


def linear_design(formula: Formula, schema: Schema, options: Options, excluded: Sequence[str]) -> Design:
    """The design of a linear model, or of several outcomes."""
    return design_of_formula(formula, schema, options, absorbing=True, excluded=excluded, multiple_outcomes=True)


def without_dot(formula: Formula, by: ByColumns | None) -> tuple[str, ...]:
    """Columns that `.` stands for in no model: groups, outcomes and absorbed factors, whichever a model has."""
    columns = () if by is None else by.columns
    return (*columns, *names(*outcomes_of(formula.outcome)), *names(*formula.absorbed))


def shared_passes(
    formula: Formula, schema: Schema, options: Options, by: ByColumns | None, make: DesignMaker = linear_design
) -> list[SharedPass]:
    """The passes for all models of a formula, one for each set of absorbed factors.

    make : the columns that a pass sums for a model. Raises FormulaError where offsets differ, and the errors of `make`.
    """
    by_absorbed: dict[tuple[str, ...], list[Specification]] = {}
    for one in specifications(formula):
        by_absorbed.setdefault(tuple(map(label, one.formula.absorbed)), []).append(one)
    columns, excluded = () if by is None else by.columns, without_dot(formula, by)
    passes = []
    for group in by_absorbed.values():
        designs = {one.key: replace(make(one.formula, schema, options, excluded), matrix=None) for one in group}
        if len({d.offsets for d in designs.values()}) > 1:
            raise FormulaError(f"an offset stands in all right sides or in none: '{formula.text}'")
        union = make(_union(formula.text, [one.formula for one in group]), schema, options, excluded)
        passes.append(_shared_pass(union, designs, columns, drop=options.drop))
    return passes


def _shared_pass(
    union: Design, designs: Mapping[tuple[str, ...], Design], keys: Sequence[str], *, drop: bool
) -> SharedPass:
    """The pass of some models. keys : columns that make groups. drop : whether rows with missing values are dropped."""
    nothing: frozenset[str] = frozenset()
    needs: dict[frozenset[str], int] = {}
    models = []
    for key, design in designs.items():
        own = needed(design, keys) if drop else nothing
        models.append(Model(key, design, needs.setdefault(own, len(needs))))
    return SharedPass(union, tuple(models), Samples(tuple(sorted(nothing.union(*needs))), tuple(needs)))


def _union(text: str, formulas: Sequence[Formula]) -> Formula:
    """A formula with the outcomes and terms of all of them, which absorb the same factors."""
    nodes = tuple(dict.fromkeys(formula.outcome for formula in formulas))
    outcome = nodes[0] if len(nodes) == 1 else Call(COMBINE, nodes)
    terms = list(dict.fromkeys(formula.terms for formula in formulas))
    first = formulas[0]
    together = terms[0] if len(terms) == 1 else Sum(tuple((True, part) for part in terms))
    return Formula(text, outcome, together, first.absorbed, first.instruments)


def plan_of(stored: Design, requested: Design) -> SubsetPlan:
    """How the sums of a model are read from those of its pass, which has all of them."""
    available = AvailableSums(stored.layout, stored.terms.power_sums, stored.weight is not None)
    return plan_subset(available, AvailableSums(requested.layout, requested.terms.power_sums), {}, {})


def in_pass(stored: Design, model: Model) -> Design:
    """The design of a model in the coordinates, and with the knots, of its pass."""
    design = model.design
    splines = {name: stored.terms.splines[name] for name in design.terms.splines}
    terms = replace(design.terms, splines=splines) if splines else design.terms
    coordinates = {v: stored.coordinates[v] for v in (*terms.variables, *design.outcome)}
    return replace(design, terms=terms, coordinates=coordinates)


def moments_of(moments: Moments, stored: Design, design: Design) -> Moments:
    """The sums of a model from those of its pass."""
    return subset_sums(moments, plan_of(stored, design))
