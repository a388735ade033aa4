"""Sub-models of a Gram: the design of a formula, and its moments as a subset of the stored ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from gramian.errors import ColumnError, OptionError, SchemaError, did_you_mean, listing
from gramian.fit.gram.moments import AnyMoments
from gramian.fit.gram.sums import GramData
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_exact import ExactAccumulated
from gramian.formula.design import Design, design_of, with_outcome
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.expand import Expanded, expand
from gramian.formula.grammar import Formula, parse
from gramian.formula.syntax import label
from gramian.formula.terms import Term, Terms
from gramian.linalg.columns import Layout, layout
from gramian.linalg.exact.extract import exact_extracted
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.moments import Moments
from gramian.linalg.subset_sums import AvailableSums, Names, SubsetPlan, plan_subset, subset_sums

WHERE = "this Gram"
AnyAccumulated: TypeAlias = Accumulated | ExactAccumulated


@dataclass(frozen=True, slots=True)
class Submodel:
    """A model whose moments are a subset of stored ones.

    Attributes
    ----------
    design : Design
        The model, in the coordinates of the stored sums.
    plan : SubsetPlan or None
        How its moments are read from the stored ones; None where it uses all of them.
    """

    design: Design
    plan: SubsetPlan | None

    def of(self, moments: AnyMoments, dropped_rows: DroppedRows) -> tuple[Design, AnyAccumulated]:
        """Design and moments of the model. moments : the stored ones, of all rows or of one group or fold."""
        if self.plan is None:
            return replace(self.design, levels=dict(moments.levels)), _accumulated(moments, dropped_rows)
        # dropped rows are counted by the names that the Gram uses: a factor may have another one in this model
        labels = {stored: new for new, stored in self.plan.factors.items()}
        columns = {labels.get(name, name): n for name, n in dropped_rows.columns.items()}
        return self.design, _accumulated(read_moments(moments, self.plan), DroppedRows(dropped_rows.causes, columns))


def read_moments(moments: AnyMoments, plan: SubsetPlan) -> AnyMoments:
    """The moments of the layout that a plan makes from stored ones: fewer columns, or other names."""
    return exact_extracted(moments, plan) if isinstance(moments, ExactMoments) else subset_sums(moments, plan)


def design_and_moments(
    gram_data: GramData, formula: str | None, drop: str | Iterable[str] | None
) -> tuple[Design, AnyAccumulated]:
    """Design and moments of a formula for all rows; parameters and errors as of `submodel`."""
    return submodel(gram_data, None if formula is None else parse(formula), drop).of(
        gram_data.moments, gram_data.dropped_rows
    )


def submodel(
    gram_data: GramData, formula: Formula | None, drop: str | Iterable[str] | None = None, response: str | None = None
) -> Submodel:
    """The sub-model of a formula.

    Parameters
    ----------
    gram_data : GramData
        Stored sums.
    formula : Formula or None
        The model; None for the formula of the Gram.
    drop : str or iterable of str, optional
        Terms to leave out of the formula.
    response : str, optional
        The outcome for a formula of None, if several are stored.

    Raises
    ------
    SchemaError, ColumnError
        If a term, outcome or column is not stored.
    OptionError
        If a term to drop is not in the formula.
    """
    full_design = gram_data.design if response is None else with_outcome(gram_data.design, response)
    if formula is None and drop is None:
        return Submodel(full_design, None)
    design = full_design if formula is None else design_for(gram_data, formula)
    for term in (drop,) if isinstance(drop, str) else drop or ():
        design = without(gram_data, design, term)
    return submodel_of(gram_data, design)


def design_plan(gram_data: GramData, design: Design) -> SubsetPlan:
    """How the sums of a design are read from those of a Gram. Raises SchemaError if a sum is not stored."""
    return plan_of(gram_data.design, gram_data.moments.layout, design)


def submodel_of(gram_data: GramData, design: Design) -> Submodel:
    """The sub-model of a design on the columns of a Gram, in the coordinates of its sums. Errors as of `submodel`."""
    splines = {name: gram_data.design.terms.splines.get(name, s) for name, s in design.terms.splines.items()}
    design = replace(design, terms=replace(design.terms, splines=splines)) if splines else design
    plan = design_plan(gram_data, design)
    _check_power_sums(gram_data, design, plan)
    # the coordinates are those that the sums were accumulated in: a model cannot choose others
    stored_coordinates = gram_data.design.coordinates
    coordinates = {v: stored_coordinates[plan.variables.get(v, v)] for v in (*design.terms.variables, *design.outcome)}
    return Submodel(replace(design, coordinates=coordinates, matrix=None), plan)


def _accumulated(moments: AnyMoments, dropped_rows: DroppedRows) -> AnyAccumulated:
    """The partial result that a pass would have given, of either arithmetic."""
    if isinstance(moments, ExactMoments):
        return ExactAccumulated(moments, dropped_rows)
    return Accumulated(moments, dropped_rows)


def design_for(gram_data: GramData, formula: Formula) -> Design:
    """The design of a formula on the columns of a Gram, without coordinates, with stored knots and weights."""
    stored = gram_data.design
    design = design_of(_expanded(gram_data, formula), formula.text, gram_data.schema)
    # stored knots, because those of a new spline would need a pass over the data
    splines = {name: stored.terms.splines.get(name, spline) for name, spline in design.terms.splines.items()}
    return replace(design, terms=replace(design.terms, splines=splines), weight=stored.weight, count=stored.count)


def _expanded(gram_data: GramData, formula: Formula) -> Expanded:
    """The terms of a formula on the columns of a Gram. Raises ColumnError for a column that the Gram does not have."""
    try:
        # factors are partialled out in float64 only: exact sums would have to be divided by the rows of every level
        absorbing = isinstance(gram_data.moments, Moments)
        return expand(formula, gram_data.schema.names, gram_data.schema.matrices, absorbing=absorbing)
    except ColumnError as error:
        raise ColumnError(error.name, error.names, WHERE) from None


def without(gram_data: GramData, design: Design, text: str) -> Design:
    """The design without the terms of a text, as in `y ~ a*b - a:b`. Raises OptionError for a term it does not have."""
    expanded = _expanded(gram_data, parse(f"{label(next(iter(design.outcome.values())))} ~ {text}"))
    dropped_terms = [frozenset(map(label, term)) for term in expanded.terms]
    remaining = tuple(t for t in design.terms.terms if t.key not in dropped_terms)
    # every term to be dropped has to be in the formula: one that is not would otherwise be overlooked
    if len(remaining) > len(design.terms.terms) - len(dropped_terms) or not dropped_terms:
        labels = [t.label for t in design.terms.terms if t.atoms]
        raise OptionError(f"drop: no term '{text}'{did_you_mean(text, labels)} (terms: {listing(labels)})")
    return replace(design, formula=_minus_term(design.formula, text), terms=design.terms.only(remaining))


def _minus_term(formula: str, text: str) -> str:
    """The text of a formula with `- text` behind its terms, before the absorbed factors."""
    terms, bar, absorbed = formula.partition("|")
    return f"{terms.rstrip()} - {text}" + (f" {bar}{absorbed}" if bar else "")


def plan_of(stored: Design, layout: Layout, requested: Design) -> SubsetPlan:
    """How the sums of a requested design are read from stored ones.

    stored : design of the stored sums. layout : their layout. Raises SchemaError if a sum is not stored.
    """
    variables, factors = _stored_names(stored, requested)
    _check_offsets(stored, requested)
    powers = requested.terms.power_sums
    available = AvailableSums(layout, stored.terms.power_sums if powers else {}, stored.weight is not None)
    plan = plan_subset(available, AvailableSums(requested.layout, powers), variables, factors)
    if plan.unavailable:
        raise _not_stored(stored, available, requested, variables, factors)
    return plan


def _check_power_sums(gram_data: GramData, design: Design, plan: SubsetPlan) -> None:
    """Raise SchemaError for poly(), center() or scale() of a variable that rows have which the Gram left out.

    They are of all rows with the variable, as in any other fit, but products hold only those that entered.
    """
    dropped = gram_data.dropped_rows
    for v, at in plan.powers.items():
        name = plan.variables.get(v, v).removeprefix("~")
        if not isinstance(at, int) and dropped.total > dropped.columns.get(name, 0):
            term = next(t.label for t in design.terms.terms if any(v in n.power_sums for n in t.numeric_terms))
            raise SchemaError(
                f"{term} is of all rows that have {name}, and {dropped.total:,} rows were left out, of which only the "
                f'sums of {name} for the terms of a Gram are kept\nmake the Gram of "{gram_data.design.formula} + '
                f'{term}", or write powers, as in poly({name}, 2, raw=TRUE)',
                WHERE,
            )


def _stored_names(stored: Design, requested: Design) -> tuple[Names, Names]:
    """Names of variables (with the outcome) and of factors in a requested design -> names where they are stored.

    A response has the prefix `~`: a stored variable can become an outcome, and a stored outcome a predictor.
    """
    variables: dict[str, str] = {}
    available = {*stored.terms.variables, *stored.outcome}
    for name in (*requested.terms.variables, *requested.outcome):
        bare = name.removeprefix("~")
        other = bare if bare in available else f"~{bare}"
        if name not in available and other in available:
            variables[name] = other
    # reversed, so that the first of several factors of one column wins
    columns = {f.column: name for name, f in reversed(list(stored.terms.factors.items()))}
    factors = {name: columns[f.column] for name, f in requested.terms.factors.items() if f.column in columns}
    return variables, {new: (new if new in stored.terms.factors else old) for new, old in factors.items()}


def _check_offsets(stored: Design, requested: Design) -> None:
    """Raise SchemaError for an offset that is not that of the stored outcome, which is stored less its offsets."""
    stored_offsets, requested_offsets = (
        [f"offset({label(node)})" for node in design.offsets] for design in (stored, requested)
    )
    same_outcome = requested.outcome.keys() <= stored.outcome.keys()
    if same_outcome and sorted(stored_offsets) != sorted(requested_offsets):
        what = " + ".join(stored_offsets) or "no offset"
        raise SchemaError(f"the outcome is stored with {what}; a formula for it needs the same", WHERE)
    if requested_offsets and not same_outcome:
        raise SchemaError(f"{requested_offsets[0]} is stored for {_outcomes(stored)} only", WHERE)
    if stored_offsets and {f"~{v}" for v in requested.terms.variables} & stored.outcome.keys():
        raise SchemaError(
            f"{_outcomes(stored)} is stored less {stored_offsets[0]}, so it cannot stand right of '~'", WHERE
        )


def _outcomes(design: Design) -> str:
    """Quoted names of the outcomes, for messages."""
    return ", ".join(f"'{name.removeprefix('~')}'" for name in design.outcome)


def _not_stored(
    stored: Design, available: AvailableSums, requested: Design, variables: Names, factors: Names
) -> SchemaError:
    """The error for sums that are not stored: it names the terms or the outcome, and a formula that stores them."""

    def is_stored(terms: tuple[Term, ...], outcome: Mapping[str, object]) -> bool:
        """Whether the sums of these terms with this outcome are stored."""
        alone = Terms(terms, {}, {})
        sums = AvailableSums(layout(alone.blocks, tuple(outcome)), alone.power_sums)
        return not plan_subset(available, sums, variables, factors).unavailable

    (outcome,) = requested.outcome
    if not is_stored((), requested.outcome):
        name = outcome.removeprefix("~")
        return SchemaError(
            f"cannot have the outcome '{name}': it stores {stored.formula}, "
            "and only its outcome and numeric terms of one column may stand left of '~'",
            WHERE,
        )
    within = replace(requested.terms, terms=())
    sums = AvailableSums(layout(within.blocks, tuple(requested.outcome)), {})
    head, bar, behind = stored.formula.rpartition("|") if stored.terms.absorbed else (stored.formula, "", "")
    if within.absorbed and plan_subset(available, sums, variables, factors).unavailable:
        absorbed = " + ".join(within.absorbed_texts)
        return SchemaError(
            f"does not store sums within the levels of {absorbed}; it stores {stored.formula}\n"
            f'what is missing has to be absorbed or a term in it, as in gm.gram("{head.rstrip()} | {absorbed}", data)',
            WHERE,
        )
    terms = requested.terms.terms
    labels = [t.label for t in terms if not is_stored((t,), requested.outcome)] or [t.label for t in terms]
    return SchemaError(
        f"does not store {listing(labels, 5)}; it stores {stored.formula}\n"
        f'what is missing has to be in it, as in gm.gram("{head.rstrip()} + {labels[0]}{bar and " |"}{behind}", data)',
        WHERE,
    )
