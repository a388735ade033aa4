"""Coding of factors: which model columns a formula has, given the levels that were seen.

A model column is the indicator of a cell of factors times a polynomial in shifted variables. Whether a factor has a
column for every level or one fewer is decided term by term, by R's rule (`reduced_factors`); `every_level` keeps all
levels (penalised fits, where no level is special).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product as cartesian
from math import prod
from typing import NamedTuple

from gramian.errors import OptionError, listing
from gramian.formula.contrasts.matrices import CONTRASTS, TREATMENT, Contrast
from gramian.formula.numeric_terms import NumericTerm, PowerSums
from gramian.formula.terms import Factor, Term, Terms
from gramian.linalg.columns import Factors
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, ONE, Coordinate, Monomial, Polynomial, degree, multiply, times
from gramian.typing import Level

Cell = tuple[tuple[str, int], ...]  # (factor, code) pairs, sorted by factor; () is "all rows"
Stored = tuple[Cell, Monomial]
NONE = frozenset[str]()


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """A column of the design matrix, which has a coefficient.

    Attributes
    ----------
    name : str
        Name of the coefficient, such as `g[b]:x`.
    term : int
        Number of its term.
    cell : Cell
        The (factor, code) pairs that a row must have; () is all rows.
    leading : Monomial
        Leading monomial of the polynomial, in shifted variables.
    polynomial : Polynomial
        The numeric part in shifted variables, with exact coefficients.
    numeric : frozenset of str
        Names of its numeric factors.
    reduced : frozenset of str
        Factors of its term that have one column fewer than levels. Where their contrasts are not treatment contrasts,
        the name is that of a contrast, and the cell is the treatment column that is used while the system is solved.
    """

    name: str
    term: int
    cell: Cell
    leading: Monomial
    polynomial: Polynomial
    numeric: frozenset[str] = frozenset()
    reduced: frozenset[str] = frozenset()

    @property
    def stored(self) -> Stored:
        """The stored column (cell, leading monomial) that takes its place when the system is solved."""
        return self.cell, self.leading


def constant_among(stored: Sequence[Stored]) -> int | None:
    """Position of the constant among stored columns; None where it is not there."""
    return next((j for j, column in enumerate(stored) if column == ((), CONSTANT)), None)


def stored_columns(columns: Iterable[ModelColumn]) -> list[Stored]:
    """The stored column of each model column."""
    return [column.stored for column in columns]


class Indicators(NamedTuple):
    """Of a factor in i(): what stands before its levels in names, and how many levels at the start have no column."""

    shown: str
    omitted: int


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels of the factors after a pass.

    Attributes
    ----------
    names : Mapping[str, tuple of Level]
        Factor -> level of each code.
    order : Mapping[str, tuple of int]
        Factor -> codes in the order of the model; the first is the reference level.
    cells : Mapping[Factors, frozenset]
        Set of factors -> combinations of codes that occur in some row.
    contrasts : Mapping[str, Contrast]
        Contrasts of the factors that do not use treatment contrasts, with levels in the order of `order`.
    indicators : Mapping[str, Indicators]
        Of the factors in i().
    """

    names: Mapping[str, tuple[Level, ...]]
    order: Mapping[str, tuple[int, ...]]
    cells: Mapping[Factors, frozenset[tuple[int, ...]]]
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    indicators: Mapping[str, Indicators] = field(default_factory=dict)

    def first(self, factor: str) -> int:
        """How many levels, at the start of the order, have no column where the factor is reduced."""
        return self.indicators[factor].omitted or 1 if factor in self.indicators else 1

    def has_rows(self, cell: Cell) -> bool:
        """Whether any row lies in the cell; True where no term has just its factors, so that nothing is known."""
        table = self.cells.get(tuple(f for f, _ in cell))
        return table is None or tuple(c for _, c in cell) in table


def levels_of(moments: Moments, terms: Terms) -> Levels:
    """Levels in their order: as a categorical declares it, else canonical; the level of `ref=` comes first.

    Factors that are only absorbed are left out: they have no columns, and may have millions of levels.
    """
    names = {name: tuple(values) for name, values in moments.levels.items() if name in terms.coefficient_factors}
    order = {name: _order(terms.factors[name], values) for name, values in names.items()}
    tables = {f: t for f, t in moments.tables.items() if names.keys() >= set(f)}
    # a subtraction of sums may leave cells without rows
    cells = {f: frozenset(map(tuple, t.cells[t.rows > 0].tolist())) for f, t in tables.items()}
    return Levels(names, order, cells, contrasts_of(terms, names, order), indicators_of(terms))


def indicators_of(terms: Terms) -> dict[str, Indicators]:
    """What i() says of its factors."""
    return {n: Indicators(f.shown, len(f.omitted)) for n, f in terms.factors.items() if f.omitted is not None}


def contrasts_of(
    terms: Terms, names: Mapping[str, tuple[Level, ...]], order: Mapping[str, tuple[int, ...]]
) -> dict[str, Contrast]:
    """Contrasts of the factors that do not use treatment contrasts."""
    return {
        name: CONTRASTS[terms.factors[name].contrast]([level_name(values[code]) for code in order[name]])
        for name, values in names.items()
        if terms.factors[name].contrast != TREATMENT and values
    }


def model_columns(
    terms: Terms, levels: Levels, coordinates: Mapping[str, Coordinate], sums: PowerSums, *, every_level: bool = False
) -> tuple[ModelColumn, ...]:
    """The model's columns in the order of the terms; within a term the first factor varies fastest, as in R.

    Parameters
    ----------
    terms : Terms
        The terms of the formula.
    levels : Levels
        Levels and cells with rows; a cell without rows gets no column.
    coordinates : Mapping[str, Coordinate]
        Variable -> shift and scale of its stored values.
    sums : PowerSums
        Unweighted power sums of the variables that poly(), center() or scale() use.
    every_level : bool
        Keep a column for every level of every factor.
    """
    reduced = _omitting(terms) if every_level else reduced_factors(terms)
    return coded_columns(terms, reduced, levels, coordinates, sums)


def coded_columns(
    terms: Terms,
    reduced: Sequence[set[str]],
    levels: Levels,
    coordinates: Mapping[str, Coordinate],
    sums: PowerSums,
) -> tuple[ModelColumn, ...]:
    """The columns of all terms. reduced : the factors of each term that omit a level; others as in `model_columns`."""
    out: list[ModelColumn] = []
    for number, (term, without) in enumerate(zip(terms.terms, reduced, strict=True)):
        out += _columns(number, term, without, levels, coordinates, sums)
    return tuple(out)


def highest_degree(columns: Sequence[ModelColumn]) -> int:
    """Highest degree of the monomials in these columns (a leading monomial has the degree of its column)."""
    return max((degree(column.leading) for column in columns), default=1)


def reduced_factors(terms: Terms) -> list[set[str]]:
    """For each term the factors that omit a level (or are coded by contrasts), by R's rule.

    A factor is reduced where its term has no other part, or an earlier term has all other parts: `a + a:b` reduces
    b in `a:b`, because `a` is there, but not a. Without an intercept the first factor of the first term with factors
    keeps all levels. Levels of absorbed factors span the constant, and stand for an intercept.

    References
    ----------
    J. M. Chambers and T. J. Hastie, Statistical Models in S, Wadsworth & Brooks/Cole 1992, page 38; the functions
    `TermCode` and `modelmatrix` of R.
    """
    if not terms.factors:
        return [set()] * len(terms.terms)
    out: list[set[str]] = []
    terms_with: dict[str, int] = {}  # atom -> the earlier terms that have it, as the bits of an integer
    for number, (term, omitting) in enumerate(zip(terms.terms, _omitting(terms), strict=True)):
        key = term.key
        out.append(omitting | {f for f in term.factors if len(key) == 1 or _shared_term(key - {f}, terms_with)})
        terms_with.update({atom: terms_with.get(atom, 0) | 1 << number for atom in key})
    if not (terms.absorbed and terms.absorbed_intercepts) and all(term.atoms for term in terms.terms):
        number, first = next((i, term.written_factors[0]) for i, term in enumerate(terms.terms) if term.factors)
        if not terms.factors[first].omitted:
            out[number].discard(first)
    return out


def _omitting(terms: Terms) -> list[set[str]]:
    """For each term the factors that omit levels whatever else the model has, because i(t, ref=...) says so."""
    omitting = {name for name, factor in terms.factors.items() if factor.omitted}
    return [omitting.intersection(term.factors) if omitting else set() for term in terms.terms]


def reduced_by_margins(terms: Terms) -> list[set[str]]:
    """For each term the factors without which the term is itself in the model.

    Where R's rule omits a level because of another term or of the intercept, this keeps it: so the terms that are left
    when some are dropped span what they span in a formula of their own.
    """
    present = {term.key for term in terms.terms}
    if terms.absorbed_intercepts:
        present.add(frozenset())  # the levels of an absorbed factor span the constant
    return [
        omitting | {f for f in term.factors if term.key - {f} in present}
        for term, omitting in zip(terms.terms, _omitting(terms), strict=True)
    ]


def empty_cells(terms: Terms, levels: Levels) -> dict[str, int]:
    """Interaction -> number of combinations of levels that no row has."""
    out: dict[str, int] = {}
    for term in terms.terms if len(terms.factors) > 1 else ():
        if len(term.factors) > 1:
            possible = prod(len(levels.names[f]) for f in term.factors)
            if empty := possible - len(levels.cells[term.factors]):
                out[term.label] = empty
    return out


def level_name(level: Level) -> str:
    """Text of a level in the name of a column."""
    if isinstance(level, bool):
        return str(level).lower()
    if isinstance(level, float):
        return f"{level:.15g}"
    return str(level)


def _columns(
    number: int,
    term: Term,
    reduced: set[str],
    levels: Levels,
    coordinates: Mapping[str, Coordinate],
    sums: PowerSums,
) -> Iterable[ModelColumn]:
    """The columns of one term, without cells that have no rows: products of one column of each atom.

    Parameters
    ----------
    number : int
        Position of the term.
    term : Term
        The term.
    reduced : set of str
        Its factors that omit the reference level.
    levels, coordinates, sums
        As in `model_columns`.
    """
    reduced_labels = frozenset(reduced)
    columns_by_atom = [_atom_columns(number, atom, reduced_labels, levels, coordinates, sums) for atom in term.atoms]
    columns = (
        columns_by_atom[0]
        if len(columns_by_atom) == 1
        # product() varies its last argument fastest: reversed twice, the first atom varies fastest
        else (_product(number, p[::-1], reduced_labels) for p in cartesian(*columns_by_atom[::-1]))
    )
    return (column for column in columns if levels.has_rows(column.cell))


def _atom_columns(
    number: int,
    atom: str | NumericTerm,
    reduced: frozenset[str],
    levels: Levels,
    coordinates: Mapping[str, Coordinate],
    sums: PowerSums,
) -> list[ModelColumn]:
    """The columns of one atom alone: levels or contrasts of a factor, or the columns of a numeric term."""
    if isinstance(atom, str):
        codes = levels.order[atom][levels.first(atom) if atom in reduced else 0 :]
        contrast = levels.contrasts.get(atom) if atom in reduced else None
        names = [level_name(levels.names[atom][c]) for c in codes] if contrast is None else contrast.names
        shown = levels.indicators[atom].shown if atom in levels.indicators else atom
        named = ((f"{shown}[{name}]", c) for name, c in zip(names, codes, strict=True))
        return [ModelColumn(name, number, ((atom, c),), CONSTANT, {CONSTANT: ONE}, NONE, reduced) for name, c in named]
    names, leading, polynomials = atom.names, atom.leading, atom.polynomials(coordinates, sums)
    return [ModelColumn(n, number, (), leading[k], polynomials[k], _singleton(n), reduced) for k, n in enumerate(names)]


# most columns have one numeric factor: equal sets are shared, which saves time and memory in wide models
_singleton = lru_cache(4096)(lambda name: frozenset((name,)))


def _product(number: int, picks: Iterable[ModelColumn], reduced: frozenset[str]) -> ModelColumn:
    """Product of one column of each atom: names joined, cells united, polynomials multiplied."""
    names: list[str] = []
    numeric: frozenset[str] = frozenset()
    cell: Cell = ()
    leading, polynomial = CONSTANT, {CONSTANT: ONE}
    for pick in picks:
        names.append(pick.name)
        numeric = numeric | pick.numeric
        # sorted, so that equal cells are equal tuples
        cell = tuple(sorted({*cell, *pick.cell}))
        leading, polynomial = times(leading, pick.leading), multiply(polynomial, pick.polynomial)
    return ModelColumn(":".join(names) or "Intercept", number, cell, leading, polynomial, numeric, reduced)


def _shared_term(atoms: frozenset[str], terms_with: Mapping[str, int]) -> int:
    """The terms that have all of these atoms, as the bits of an integer."""
    shared = -1
    for atom in atoms:
        shared &= terms_with.get(atom, 0)
    return shared


def _order(factor: Factor, values: tuple[Level, ...]) -> tuple[int, ...]:
    """Codes in the order of the model; OptionError where no row has the level that `ref=` names."""
    place = {level: i for i, level in enumerate(values)}
    declared = [place[level] for level in factor.order or () if level in place]
    order = declared + [i for i in range(len(values)) if i not in set(declared)]
    first = (factor.omitted or ()) if factor.reference is None else (factor.reference,)
    for level in first:
        if level not in place:
            levels = listing(level_name(k) for k in values)
            raise OptionError(f"{factor.label}: no row has the level '{level_name(level)}' (levels: {levels})")
    ahead = [place[level] for level in first]
    return tuple(ahead + [i for i in order if i not in set(ahead)])
