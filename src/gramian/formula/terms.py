"""Terms with their meaning under a schema: which columns are factors, which are numeric, and which sums are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Annotated

from gramian.errors import FormulaError, SchemaError
from gramian.formula.absorbed.slopes import resolved, text_with_slopes
from gramian.formula.computed.cuts import cut_of
from gramian.formula.contrasts.arguments import contrast_of, reference_levels
from gramian.formula.contrasts.matrices import TREATMENT
from gramian.formula.expand import Expanded
from gramian.formula.functions import COHORTS, CONTRASTS
from gramian.formula.functions import monomial as powers_of
from gramian.formula.kinds import check_number, chooses, is_factor, kind_of, made_of_times
from gramian.formula.numeric_terms import (
    NumericTerm,
    Orthogonal,
    Powers,
    Product,
    SplineBasis,
    Standardized,
    single_variable,
)
from gramian.formula.splines import Spline, spline_of
from gramian.formula.syntax import Call, Flag, Name, Node, Number, label, names
from gramian.linalg.absorb.slopes import Slopes
from gramian.linalg.columns import Factors
from gramian.linalg.monomials import CONSTANT, Monomial, downward_closure, times
from gramian.linalg.monomials import monomial as canonical_monomial
from gramian.schema import Kind, Schema
from gramian.typing import Distinct, DistinctLevels, Level


@dataclass(frozen=True, slots=True)
class Factor:
    """A categorical column of the formula.

    Attributes
    ----------
    label : str
        As in the formula: `g`, `factor(g)`, `C(g, ref="b")`.
    column : str
        The column of the data; the text of the expression where the factor is one.
    reference : Level or None
        The level that `ref=` asks for.
    order : tuple of Level or None
        The order of the levels, where the source declares one.
    contrast : str
        "treatment" or a key of `contrasts.CONTRASTS`.
    node : Node or None
        The expression whose values are the levels; None where these are the values of a column.
    omitted : tuple of Level or None
        Of i(), the levels that have no column; None for other factors.
    """

    label: str
    column: str
    reference: Level | None = None
    order: DistinctLevels | None = None
    contrast: Annotated[str, CONTRASTS] = TREATMENT
    node: Node | None = None
    omitted: DistinctLevels | None = None

    @property
    def shown(self) -> str:
        """What stands before its levels in names of columns: i() says only of what it is."""
        if self.omitted is None:
            return self.label
        if isinstance(self.node, Call) and self.node.function in COHORTS:
            return label(self.node.arguments[self.node.function == "sunab_period"])
        return self.column if self.node is not None else label(Name(self.column))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that are read."""
        return (self.column,) if self.node is None else names(self.node)


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors and numeric terms.

    Attributes
    ----------
    atoms : tuple of str or NumericTerm
        In the order of the formula; a string is the label of a factor. No atoms at all is the intercept.
    """

    atoms: tuple[str | NumericTerm, ...]  # a string is the label of a factor

    @property
    def factors(self) -> Factors:
        """Labels of the factors, sorted."""
        if len(self.atoms) == 1:
            return self.atoms if isinstance(self.atoms[0], str) else ()  # type: ignore[return-value]  # most terms
        return tuple(sorted(a for a in self.atoms if isinstance(a, str)))

    @property
    def written_factors(self) -> Factors:
        """Labels of the factors, in the order of the formula."""
        return tuple([a for a in self.atoms if isinstance(a, str)])

    @property
    def numeric_terms(self) -> tuple[NumericTerm, ...]:
        """The numeric atoms, in the order of the formula."""
        return tuple([a for a in self.atoms if not isinstance(a, str)])

    @property
    def leading(self) -> Sequence[Monomial]:
        """The leading monomial of each numeric column; the first numeric term varies fastest."""
        if len(self.atoms) == 1 and not isinstance(self.atoms[0], str):
            return self.atoms[0].leading  # most terms
        out: list[Monomial] = [CONSTANT]
        for part in self.numeric_terms:
            out = [times(m, lead) for lead in part.leading for m in out]
        return out

    @property
    def key(self) -> frozenset[str]:
        """The atoms as an unordered set: terms with equal keys are the same."""
        return frozenset([a if isinstance(a, str) else a.label for a in self.atoms])

    @property
    def label(self) -> str:
        """The term as written in a formula, `a:b`; "Intercept" for the intercept."""
        return ":".join(a if isinstance(a, str) else a.label for a in self.atoms) or "Intercept"


@dataclass(frozen=True)  # no slots: cached properties need a __dict__
class Terms:
    """All terms of a formula, with the variables and factors that they consist of.

    Attributes
    ----------
    terms : tuple of Term
        In order, the intercept first.
    variables : Mapping[str, Node]
        Label -> expression of every numeric variable.
    factors : Mapping[str, Factor]
        Label -> factor, absorbed ones included.
    absorbed : tuple of str
        Labels of the factors whose effects are partialled out and not reported.
    splines : Mapping[str, Spline]
        Label -> spline; each of its columns is a variable too.
    rounded_times : tuple of str
        Labels of the variables that are made of times which seconds in float64 round.
    slopes : Mapping[str, Slopes]
        Absorbed factor -> variables with a slope for each of its levels.
    """

    terms: Annotated[tuple[Term, ...], Distinct("terms that differ")]
    variables: Mapping[str, Node]
    factors: Mapping[str, Factor]
    absorbed: Factors = ()
    splines: Mapping[str, Spline] = field(default_factory=dict)
    rounded_times: tuple[str, ...] = ()
    slopes: Mapping[str, Slopes] = field(default_factory=dict)

    @property
    def absorbed_intercepts(self) -> Factors:
        """Labels of the absorbed factors whose levels have intercepts, which span the constant."""
        return tuple(f for f in self.absorbed if f not in self.slopes or self.slopes[f].intercept)

    @property
    def absorbed_texts(self) -> tuple[str, ...]:
        """The absorbed factors as a formula writes them, with their slopes."""
        return tuple(text_with_slopes(f, self.slopes.get(f)) for f in self.absorbed) if self.slopes else self.absorbed

    @property
    def coefficient_factors(self) -> frozenset[str]:
        """Labels of the factors whose levels have coefficients (absorbed ones have none)."""
        return frozenset(f for term in self.terms for f in term.factors) if self.factors else frozenset()

    @property
    def cohort_terms(self) -> tuple[Term, ...]:
        """Terms of sunab()."""
        cohorts = {name for name, f in self.factors.items() if isinstance(f.node, Call) and f.node.function in COHORTS}
        return tuple(term for term in self.terms if len(term.atoms) == 2 and cohorts.issuperset(term.factors))

    @property
    def open_cohorts(self) -> bool:
        """Whether the range of periods of sunab() is not known yet."""
        nodes = [f.node for f in self.factors.values() if isinstance(f.node, Call) and f.node.function in COHORTS]
        return any("high" not in dict(node.keywords) for node in nodes)

    @property
    def event_terms(self) -> tuple[Term, ...]:
        """Terms of one i(), alone or times numbers, and sunab(): estimates by level, as event studies show them."""
        return tuple(
            term
            for term in (self.terms if self.factors else ())
            if term in self.cohort_terms
            or (
                len(term.factors) == 1
                and self.factors[term.factors[0]].omitted is not None
                and all(len(part.names) == 1 for part in term.numeric_terms)
            )
        )

    def only(self, terms: tuple[Term, ...]) -> Terms:
        """A subset of the terms, with their variables, factors and splines, and all absorbed factors."""
        atoms = [atom for term in terms for atom in term.atoms]
        factors = {*self.absorbed, *(atom for atom in atoms if isinstance(atom, str))}
        variables = {v for atom in atoms if not isinstance(atom, str) for v in atom.variables}
        variables.update(v for own in self.slopes.values() for v in own.variables)
        return Terms(
            terms,
            {v: node for v, node in self.variables.items() if v in variables},
            {f: factor for f, factor in self.factors.items() if f in factors},
            self.absorbed,
            {s: spline for s, spline in self.splines.items() if variables.issuperset(spline.columns)},
            tuple(v for v in self.rounded_times if v in variables),
            self.slopes,
        )

    @cached_property
    def blocks(self) -> Mapping[Factors, list[Monomial]]:
        """The monomials that a pass sums: set of factors -> monomials in each of its cells, closed downwards.

        Closed downwards: with x^2 come x and 1, because a change of the shift of x turns x^2 into all three.
        """
        monomials: dict[Factors, list[Monomial]] = {(): [CONSTANT]}
        for term in self.terms:
            monomials.setdefault(term.factors, [CONSTANT]).extend(term.leading)
        for factor in self.absorbed:
            monomials.setdefault((factor,), [CONSTANT])
        for factor, own in self.slopes.items():
            monomials[(factor,)].extend(own.monomials)
        return {f: downward_closure(m) for f, m in monomials.items()}

    @cached_property
    def coefficient_blocks(self) -> Mapping[Factors, list[Monomial]]:
        """`blocks` without those of factors that are absorbed only."""
        own = {(), *(term.factors for term in self.terms)}
        return {factors: monomials for factors, monomials in self.blocks.items() if factors in own}

    def width(self, sizes: Mapping[str, int]) -> int:
        """A lower bound of the number of model columns. sizes : factor -> number of levels.

        An interaction of factors counts the levels of its largest factor, because not every combination need occur.
        """
        numeric, with_factors = self._widths
        return numeric + sum(columns * max(sizes[f] for f in factors) for columns, factors in with_factors)

    @cached_property
    def _widths(self) -> tuple[int, tuple[tuple[int, Factors], ...]]:
        """Columns of the terms without factors; columns in each cell, and factors, of the others."""
        counted = [(len(term.leading), term.factors) for term in self.terms]
        return sum(n for n, factors in counted if not factors), tuple((n, f) for n, f in counted if f)

    @cached_property
    def power_sums(self) -> Mapping[str, int]:
        """Variable -> degree up to which its unweighted power sums are needed (for poly(), center(), scale())."""
        out: dict[str, int] = {}
        for atom in chain.from_iterable(term.atoms for term in self.terms):
            for variable, top in () if isinstance(atom, str) else atom.power_sums.items():
                out[variable] = max(top, out.get(variable, 0))
        return out


def resolve(expanded: Expanded, schema: Schema) -> Terms:
    """Give every factor of every term its meaning under a schema.

    Raises SchemaError where text or dates are used as numbers, or a column has a type that no formula can use.
    """
    builder = _Builder(schema)
    intercept = (Term(()),) if expanded.intercept else ()
    terms = tuple([builder.term(term) for term in expanded.terms])
    factors, variables, slopes = resolved(expanded.absorbed, schema) if expanded.absorbed else ((), {}, {})
    absorbed = tuple(builder.absorbed(node) for node in factors)
    builder.variables.update(variables)
    times = made_of_times(builder.variables, schema) if {*map(type, builder.variables.values())} - {Name} else ()
    _check_shown(terms, builder.factors)
    return Terms(intercept + terms, builder.variables, builder.factors, absorbed, builder.splines, times, slopes)


class _Builder:
    """Collects the variables, factors and splines while terms are resolved."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.variables: dict[str, Node] = {}
        self.factors: dict[str, Factor] = {}
        self.splines: dict[str, Spline] = {}

    def term(self, nodes: tuple[Node, ...]) -> Term:
        """The term of these factors in the order of the formula, i() first: its columns are t[1]:x, not x:t[1]."""
        if len(nodes) > 1:
            ahead = ("i", *COHORTS)
            nodes = tuple(sorted(nodes, key=lambda node: not (isinstance(node, Call) and node.function in ahead)))
        return Term(tuple([self.atom(node) for node in nodes]))

    def atom(self, node: Node) -> str | NumericTerm:
        """The factor (its label) or numeric term that a node stands for."""
        if isinstance(node, Name):  # a plain column: most atoms of long formulas, so it takes the short way
            kind, text = self.schema[node.name].kind, label(node)
            if kind in (Kind.TEXT, Kind.BOOLEAN):
                return self._factor(node.name, text, None)
            if kind is not Kind.NUMBER:
                check_number(node, self.schema)
            self.variables[text] = node
            return single_variable(text)
        if isinstance(node, Call) and node.function in ("factor", "C", "i"):
            argument, text = node.arguments[0], label(node)
            omitted = reference_levels(node) if node.function == "i" else None
            reference = None if node.function == "i" else next(iter(reference_levels(node)), None)
            if isinstance(argument, Name):
                self._factor(argument.name, text, reference, contrast_of(node))
            else:
                self._computed_factor(argument, text, reference, contrast_of(node))
            self.factors[text] = replace(self.factors[text], omitted=omitted)
            return text
        if isinstance(node, Call) and node.function in COHORTS:
            text = self._computed_factor(node, label(node))
            self.factors[text] = replace(self.factors[text], omitted=reference_levels(node))
            return text
        if chooses(node) and is_factor(node, self.schema):
            return self._computed_factor(node, label(node))
        return self._numeric_term(node)

    def absorbed(self, node: Node) -> str:
        """The label of an absorbed column, which is a factor whatever its type, or of combinations of columns."""
        text = label(node)
        if isinstance(node, Name):
            return self._factor(node.name, text, None)
        for column in names(node):
            self._check_factor(column)
        self.factors[text] = Factor(text, text, node=node)
        return text

    def _check_factor(self, column: str) -> None:
        """Raise SchemaError for a column of a type that cannot be a factor."""
        field = self.schema[column]
        if field.kind is Kind.OTHER:
            raise SchemaError(f"column '{column}' has the type {field.type}, which cannot be a factor")

    def _factor(self, column: str, text: str, reference: Level | None, contrast: str = TREATMENT) -> str:
        """Record a factor and return its label; SchemaError for a type that cannot be a factor."""
        self._check_factor(column)
        self.factors[text] = Factor(text, column, reference, self.schema[column].levels, contrast)
        return text

    def _computed_factor(self, node: Node, text: str, reference: Level | None = None, contrast: str = TREATMENT) -> str:
        """Record a factor whose levels are the values of an expression, and return its label."""
        column = label(node)
        if column in self.schema:
            raise SchemaError(f"{column} is an expression and the name of a column; name the column in backticks alone")
        kind_of(node, self.schema)
        order = cut_of(node).labels if isinstance(node, Call) and node.function == "cut" else None
        self.factors[text] = Factor(text, column, reference, order, contrast, node)
        return text

    def _numeric_term(self, node: Node) -> NumericTerm:
        """The numeric term of a call or expression."""
        if isinstance(node, Call) and node.function == "poly":
            raw = any(key == "raw" and isinstance(v, Flag) and v.value for key, v in node.keywords)
            degree = node.arguments[1] if len(node.arguments) > 1 else dict(node.keywords)["degree"]
            assert isinstance(degree, Number)
            variable = self._variable(node.arguments[0])
            return (Powers if raw else Orthogonal)(label(node), variable, int(degree.value))
        if isinstance(node, Call) and node.function in ("bs", "ns"):
            return self._spline(spline_of(node))
        if isinstance(node, Call) and node.function in ("center", "scale"):
            return Standardized(label(node), self._variable(node.arguments[0]), node.function == "scale")
        powers = powers_of(node) or {node: 1}
        return Product(label(node), canonical_monomial([(self._variable(n), p) for n, p in powers.items()]))

    def _spline(self, spline: Spline) -> NumericTerm:
        """Record a spline and its columns as variables."""
        check_numeric(spline.node, self.schema)
        self.splines[spline.label] = spline
        self.variables.update(dict.fromkeys(spline.columns, spline.node))
        return SplineBasis(spline.label, spline.columns)

    def _variable(self, node: Node) -> str:
        """Record an expression as a variable and return its label."""
        check_numeric(node, self.schema)
        text = label(node)
        self.variables[text] = node
        return text


def _check_shown(terms: tuple[Term, ...], factors: Mapping[str, Factor]) -> None:
    """Raise FormulaError for two terms whose columns have the same names: f beside i(f)."""
    shown: dict[frozenset[str], Term] = {}
    for term in terms if any(f.omitted is not None for f in factors.values()) else ():
        key = frozenset(factors[a].shown if isinstance(a, str) else a.label for a in term.atoms)
        if (other := shown.setdefault(key, term)) is not term:
            raise FormulaError(f"{other.label} and {term.label} have columns of the same names; leave one of them out")


def check_numeric(node: Node, schema: Schema) -> None:
    """Raise SchemaError unless an expression may be used as a number."""
    if not isinstance(node, Name) or schema[node.name].kind is not Kind.NUMBER:  # most are columns of numbers
        check_number(node, schema)
