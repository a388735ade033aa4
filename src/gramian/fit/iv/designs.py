"""The designs of a formula with instruments: what the pass sums, and the models that are read from its sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gramian.errors import FormulaError, OptionError
from gramian.fit.passes.job import design_of_formula
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import Formula
from gramian.formula.submodel import formula_text
from gramian.formula.syntax import Call, Instruments, Name, Number, Sum, Terms, leaves, names
from gramian.formula.terms import Term
from gramian.formula.tokens import formula_error
from gramian.schema import Schema

Key = frozenset[str]


@dataclass(frozen=True, slots=True)
class IvDesigns:
    """The designs of a formula with instruments.

    Attributes
    ----------
    joint : Design
        All terms and the outcome: what the pass sums.
    structural : Design
        The model: exogenous and endogenous terms.
    instruments : Design
        The outcome on exogenous terms and excluded instruments.
    exogenous, endogenous, excluded : frozenset
        Keys of the terms of each kind.
    """

    joint: Design
    structural: Design
    instruments: Design
    exogenous: frozenset[Key]
    endogenous: frozenset[Key]
    excluded: frozenset[Key]

    def first_stages(self) -> Mapping[str, Design]:
        """Endogenous term -> its regression on all instruments, for those that are a variable of their own.

        Its rows are those of the model, which has other columns, too.
        """
        out, joint = {}, self.joint
        others = [node for name, node in joint.terms.variables.items() if name not in self.instruments.terms.variables]
        for term in self.structural.terms.terms:
            if term.key in self.endogenous and (name := _variable(term)) is not None:
                design = replace(
                    self.instruments,
                    outcome={f"~{name}": self.structural.terms.variables[name]},
                    offsets=(),
                    present=(*joint.outcome.values(), *joint.offsets, *others),
                )
                out[term.label] = replace(design, formula=formula_text(design, design.terms))
        return out


def _variable(term: Term) -> str | None:
    """The variable that a term is; None for a factor, a power or a product."""
    (monomials,) = (term.leading,)
    if term.factors or len(monomials) != 1 or len(monomials[0]) != 1 or monomials[0][0][1] != 1:
        return None
    name = monomials[0][0][0]
    return name if term.label == name else None


@dataclass(slots=True)
class _Maker:
    """Makes the designs of parts of a formula."""

    formula: Formula
    schema: Schema
    options: Options
    excluded: tuple[str, ...] = field(default=())
    several: bool = False

    def design(self, *parts: Terms) -> Design:
        """The design of a sum of parts."""
        terms = Sum(tuple((True, part) for part in parts))
        formula = replace(self.formula, terms=terms, instruments=None)
        return design_of_formula(
            formula,
            self.schema,
            self.options,
            absorbing=True,
            excluded=self.excluded,
            multiple_outcomes=self.several,
        )

    def keys(self, part: Terms) -> dict[Key, str]:
        """Terms of a part, without an intercept -> their labels."""
        return {t.key: t.label for t in self.design(part).terms.terms if t.atoms}


def joint_design(formula: Formula, schema: Schema, options: Options, excluded: Sequence[str] = ()) -> Design:
    """All columns of a formula with instruments, of one outcome or several; parameters of `iv_designs`."""
    first = _instruments(formula)
    maker = _Maker(formula, schema, options, (*excluded, *_used(first)), several=True)
    return maker.design(formula.terms, first.excluded, first.endogenous)


def _instruments(formula: Formula) -> Instruments:
    """The instruments of a formula. Raises FormulaError without any."""
    if formula.instruments is None:
        raise FormulaError(f"'{formula.text}' names no instruments: write them as in y ~ w + [x ~ z], or use gm.ols")
    return formula.instruments


def _used(first: Instruments) -> tuple[str, ...]:
    """Columns of endogenous terms and instruments, which `.` among the exogenous terms does not stand for."""
    parts = [leaf for part in (first.endogenous, first.excluded) for leaf in leaves(part)]
    return tuple(n for leaf in parts if isinstance(leaf, Name | Call) for n in names(leaf))


def iv_designs(formula: Formula, schema: Schema, options: Options, excluded: Sequence[str] = ()) -> IvDesigns:
    """The designs of a formula with instruments, without coordinates.

    excluded : columns that `.` does not stand for.

    Raises
    ------
    FormulaError
        Without instruments, or where a term stands in two places or too few instruments are named.
    """
    first = _instruments(formula)
    _check_parts(first, formula.text)
    if options.alpha is not None or options.exact:
        what = "a penalty" if options.alpha is not None else "exact=True"
        raise OptionError(f"{what} does not go with instruments: their sums are made and solved in float64")
    if options.collinear == "min-norm" or options.solver not in ("auto", "gram"):
        what = f'solver="{options.solver}"' if options.collinear != "min-norm" else 'collinear="min-norm"'
        raise OptionError(f"{what} does not go with instruments: leave it out")
    maker = _Maker(formula, schema, options, (*excluded, *_used(first)))
    exogenous, endogenous, outside = (maker.keys(part) for part in (formula.terms, first.endogenous, first.excluded))
    _check_overlaps(exogenous, endogenous, outside, formula, first)
    W, X, Z = formula.terms, first.endogenous, first.excluded
    return IvDesigns(
        maker.design(W, Z, X),
        maker.design(W, X),
        maker.design(W, Z),
        frozenset(exogenous),
        frozenset(endogenous),
        frozenset(outside),
    )


def _check_parts(first: Instruments, text: str) -> None:
    """Raise FormulaError for an intercept or an offset among endogenous terms or instruments."""
    for part in (first.endogenous, first.excluded):
        for leaf in leaves(part):
            if isinstance(leaf, Number) or (isinstance(leaf, Call) and leaf.function == "offset"):
                what = "an offset" if isinstance(leaf, Call) else "the intercept"
                raise formula_error(
                    f"{what} belongs to the exogenous terms, not among endogenous columns and instruments",
                    text,
                    leaf.position,
                )


def _check_overlaps(
    exogenous: Mapping[Key, str],
    endogenous: Mapping[Key, str],
    excluded: Mapping[Key, str],
    formula: Formula,
    first: Instruments,
) -> None:
    """Raise FormulaError where a term stands in two places, or instruments are lacking."""
    for left, right, message in (
        (exogenous, endogenous, "'{}' is both an exogenous and an endogenous term: leave one out"),
        (exogenous, excluded, "'{}' is an exogenous term, and so an instrument already: name others"),
        (endogenous, excluded, "'{}' is an endogenous term and cannot be its own instrument"),
    ):
        for key in left.keys() & right.keys():
            raise formula_error(message.format(left[key]), formula.text, first.position)
    for what, terms in (("endogenous term", endogenous), ("instrument", excluded)):
        if not terms:
            raise formula_error(f"no {what} is named; write them as in y ~ w + [x ~ z]", formula.text, first.position)
