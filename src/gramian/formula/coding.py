"""Coding: which model columns a formula has, given the levels that were seen, and what they are of stored columns.

A model column is a cell of factors times a polynomial in shifted variables. Treatment contrasts drop the reference
level of a factor where the term without that factor is in the model, as R does; `every_level` keeps them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product as cartesian
from math import prod

from gramian.errors import OptionError, listing
from gramian.formula.contrasts import CONTRASTS, TREATMENT, Contrast
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
    """A coefficient: its name, the term it belongs to, its cell, its leading monomial and its whole polynomial.

    numeric : names of its numeric factors. reduced : factors of its term that lack a column; where their contrasts are
    not those of treatment, the name is that of a contrast and the cell is what stands for it while it is solved for.
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
        """The stored column that stands for it."""
        return self.cell, self.leading


@dataclass(frozen=True, slots=True)
class Levels:
    """What is known of the factors after a pass: order of levels (codes), the cells that have rows.

    contrasts : of the factors whose contrasts are not those of treatment, levels in their order.
    """

    names: Mapping[str, tuple[Level, ...]]
    order: Mapping[str, tuple[int, ...]]
    cells: Mapping[Factors, frozenset[tuple[int, ...]]]
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)

    def has_rows(self, cell: Cell) -> bool:
        """Whether any row lies in the cell."""
        return not cell or tuple(c for _, c in cell) in self.cells[tuple(f for f, _ in cell)]


def levels_of(moments: Moments, terms: Terms) -> Levels:
    """Order the levels: as declared by an ordered categorical, else canonical; `ref=` comes first.

    Factors that are only absorbed are left out: they have no columns, and may have millions of levels.
    """
    names = {name: tuple(values) for name, values in moments.levels.items() if name in terms.coefficient_factors}
    order = {name: _order(terms.factors[name], values) for name, values in names.items()}
    tables = {f: t for f, t in moments.tables.items() if names.keys() >= set(f)}
    cells = {f: frozenset(map(tuple, t.cells[t.rows > 0].tolist())) for f, t in tables.items()}
    return Levels(names, order, cells, contrasts_of(terms, names, order))


def contrasts_of(
    terms: Terms, names: Mapping[str, tuple[Level, ...]], order: Mapping[str, tuple[int, ...]]
) -> dict[str, Contrast]:
    """The contrasts of the factors that have others than those of treatment."""
    return {
        name: CONTRASTS[terms.factors[name].contrast]([level_name(values[code]) for code in order[name]])
        for name, values in names.items()
        if terms.factors[name].contrast != TREATMENT and values
    }


def model_columns(
    terms: Terms, levels: Levels, coordinates: Mapping[str, Coordinate], sums: PowerSums, *, every_level: bool = False
) -> tuple[ModelColumn, ...]:
    """The model's columns in the order of the terms; within a term the first factor varies fastest, as in R."""
    out: list[ModelColumn] = []
    for number, (term, reduced) in enumerate(zip(terms.terms, reduced_factors(terms), strict=True)):
        out += _columns(number, term, set() if every_level else reduced, levels, coordinates, sums)
    return tuple(out)


def highest_degree(columns: Sequence[ModelColumn]) -> int:
    """Of all monomials in these columns: those that lead have it."""
    return max((degree(column.leading) for column in columns), default=1)


def reduced_factors(terms: Terms) -> list[set[str]]:
    """For each term the factors that leave out their reference level: where the term without them is in the model."""
    if not terms.factors:
        return [set()] * len(terms.terms)
    present = {term.key for term in terms.terms}
    if terms.absorbed:
        present.add(frozenset())  # the constant is in what is absorbed
    return [{f for f in term.factors if _without(term, f) in present} for term in terms.terms]


def empty_cells(terms: Terms, levels: Levels) -> dict[str, int]:
    """Interaction -> number of combinations of levels without a single row."""
    out: dict[str, int] = {}
    for term in terms.terms if len(terms.factors) > 1 else ():
        if len(term.factors) > 1:
            possible = prod(len(levels.names[f]) for f in term.factors)
            if empty := possible - len(levels.cells[term.factors]):
                out[term.label] = empty
    return out


def level_name(level: Level) -> str:
    """How a level is written in the name of a column."""
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
    reduced_labels = frozenset(reduced)
    columns_by_atom = [_atom_columns(number, atom, reduced_labels, levels, coordinates, sums) for atom in term.atoms]
    columns = (
        columns_by_atom[0]
        if len(columns_by_atom) == 1
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
    """The columns of one atom alone."""
    if isinstance(atom, str):
        codes = levels.order[atom][1 if atom in reduced else 0 :]
        contrast = levels.contrasts.get(atom) if atom in reduced else None
        names = [level_name(levels.names[atom][c]) for c in codes] if contrast is None else contrast.names
        named = ((f"{atom}[{name}]", c) for name, c in zip(names, codes, strict=True))
        return [ModelColumn(name, number, ((atom, c),), CONSTANT, {CONSTANT: ONE}, NONE, reduced) for name, c in named]
    names, leading, polynomials = atom.names, atom.leading, atom.polynomials(coordinates, sums)
    return [ModelColumn(n, number, (), leading[k], polynomials[k], _singleton(n), reduced) for k, n in enumerate(names)]


_singleton = lru_cache(4096)(lambda name: frozenset((name,)))


def _product(number: int, picks: Iterable[ModelColumn], reduced: frozenset[str]) -> ModelColumn:
    names: list[str] = []
    numeric: frozenset[str] = frozenset()
    cell: Cell = ()
    leading, polynomial = CONSTANT, {CONSTANT: ONE}
    for pick in picks:
        names.append(pick.name)
        numeric = numeric | pick.numeric
        cell = tuple(sorted({*cell, *pick.cell}))
        leading, polynomial = times(leading, pick.leading), multiply(polynomial, pick.polynomial)
    return ModelColumn(":".join(names) or "Intercept", number, cell, leading, polynomial, numeric, reduced)


def _without(term: Term, factor: str) -> frozenset[str]:
    return term.key - {factor}


def _order(factor: Factor, values: tuple[Level, ...]) -> tuple[int, ...]:
    place = {level: i for i, level in enumerate(values)}
    declared = [place[level] for level in factor.order or () if level in place]
    order = declared + [i for i in range(len(values)) if i not in set(declared)]
    if factor.reference is not None:
        if factor.reference not in place:
            levels = listing(level_name(k) for k in values)
            raise OptionError(f"{factor.label}: no row has the level '{factor.reference}' (levels: {levels})")
        first = place[factor.reference]
        order = [first] + [i for i in order if i != first]
    return tuple(order)
