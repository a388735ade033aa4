"""Wide designs: a formula whose terms are matrices, columns, and functions of one column.

Matrices are used in place; their columns get names only when a solution is assembled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from gramian.errors import FormulaError, SchemaError
from gramian.fit.passes.options import Options
from gramian.formula.design import Design, design_of
from gramian.formula.expand import expand
from gramian.formula.grammar import Formula
from gramian.formula.syntax import Cross, Dot, Name, Number, Power, Sum, Terms, label, names
from gramian.linalg.monomials import Coordinate, degree
from gramian.schema import Kind, Schema
from gramian.typing import Codes


@dataclass(frozen=True, slots=True)
class MatrixTerm:
    """A matrix whose columns are terms.

    Attributes
    ----------
    name : str
        Name of the matrix.
    width : int
        Number of columns that are used, k.
    places : ndarray of int, or None
        (k,) positions of these columns; None for all.
    """

    name: str
    width: int
    places: Codes | None = None

    @property
    def names(self) -> Iterator[str]:
        """Names of its columns, such as X[3]."""
        places = range(self.width) if self.places is None else self.places.tolist()
        return (f"{self.name}[{i}]" for i in places)


@dataclass(frozen=True, slots=True)
class WideDesign:
    """Columns that are read one by one, then matrices.

    Attributes
    ----------
    narrow : Design
        Design of the single columns, with outcome, weights and offsets.
    matrices : tuple of MatrixTerm
        Matrices, whose columns follow.
    """

    narrow: Design
    matrices: tuple[MatrixTerm, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns that are read one by one, in the order of their coefficients."""
        return tuple(part.variables[0] for term in self.narrow.terms.terms for part in term.numeric_terms)

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return any(not term.atoms for term in self.narrow.terms.terms)

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read: columns, and matrices by their names."""
        return (*self.narrow.columns, *(m.name for m in self.matrices))

    @property
    def width(self) -> int:
        """Number of coefficients without the intercept."""
        return len(self.variables) + sum(m.width for m in self.matrices)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all coefficients, the intercept first."""
        matrix_names = chain.from_iterable(m.names for m in self.matrices)
        return (*(("Intercept",) if self.intercept else ()), *self.variables, *matrix_names)


def wide_design(formula: Formula, schema: Schema, options: Options) -> WideDesign:
    """The design of a formula whose terms are columns, functions of one column, and matrices.

    Raises
    ------
    FormulaError
        For factors, products of terms, polynomials and absorbed factors.
    SchemaError
        For a matrix of anything but numbers.
    """
    matrix_terms = _MatrixTerms(schema, frozenset(names(formula.outcome)))
    rest = matrix_terms.without_matrices(formula.terms)
    columns = tuple(f.name for f in schema.fields)
    narrow = Formula(formula.text, formula.outcome, rest, formula.absorbed)
    inside = {name: 0 for name in schema.matrices if name not in columns}
    # matrices have no columns here, so that `expand` does not list the names of a million of them
    expanded = expand(narrow, (*columns, *_elements(formula, schema)), inside)
    design = design_of(expanded, formula.text, schema, options.weights, options.counts)
    _check_terms(design)
    # single columns are shifted later, with the matrices, when the first rows have been seen
    identity = dict.fromkeys((*design.terms.variables, *design.outcome), Coordinate())
    design = replace(design, matrix=None, coordinates=identity)
    return WideDesign(design, tuple(matrix_terms.matrix_terms()))


def wide_columns(formula: Formula, schema: Schema) -> int:
    """Number of columns that the matrices of a formula have; reads nothing but formula and schema."""
    matrix_terms = _MatrixTerms(schema, frozenset(names(formula.outcome)))
    matrix_terms.without_matrices(formula.terms)
    return sum(m.width for m in matrix_terms.matrix_terms())


def _elements(formula: Formula, schema: Schema) -> tuple[str, ...]:
    """Columns of wide matrices that the formula names one by one, such as X[3]."""
    text = {n for node in _nodes(formula.terms) for n in names(node)} | set(names(formula.outcome))
    return tuple(sorted(n for n in text if n not in schema.places and n in schema))


def _nodes(terms: Terms) -> Iterator[Name]:
    """Names and function calls in a sum of terms."""
    match terms:
        case Sum():
            for _, part in terms.parts:
                yield from _nodes(part)
        case Name():
            yield terms
        case _ if hasattr(terms, "arguments"):
            yield terms  # type: ignore[misc]


class _MatrixTerms:
    """Separates the matrices of a formula from its other terms.

    Attributes
    ----------
    schema : Schema
        Columns and matrices of the source.
    outcome : frozenset of str
        Names in the outcome.
    used_matrices : dict
        Matrices that are terms, in order; the values mean nothing.
    excluded : dict
        Matrix -> positions of columns that are subtracted from the formula or belong to the outcome.
    """

    def __init__(self, schema: Schema, outcome: frozenset[str]) -> None:
        self.schema, self.outcome = schema, outcome
        self.used_matrices: dict[str, None] = {}
        self.excluded: dict[str, set[int]] = {}

    def without_matrices(self, terms: Terms) -> Terms:
        """The terms without matrices; records the matrices, and columns that are taken out of them."""
        parts = terms.parts if isinstance(terms, Sum) else ((True, terms),)
        remaining = [(adding, part) for adding, term in parts for part in self._part(adding, term)]
        remaining = [(adding, part) for adding, part in remaining if not self._inside(adding, part)]
        # a sum needs a part: 1 stands for the intercept, which is there unless it is removed
        return Sum(tuple(remaining) or ((True, Number(1.0)),))

    def _part(self, adding: bool, part: Terms) -> Iterator[Terms]:
        """The parts that remain of one summand; `adding` is False after a minus sign."""
        if isinstance(part, Name) and part.name in self.schema.matrices and part.name not in self.schema:
            if adding:
                self.used_matrices[part.name] = None
            else:
                self.used_matrices.pop(part.name, None)
        elif isinstance(part, Dot) and adding:
            self.used_matrices.update(dict.fromkeys(self.schema.matrices))
            for base, index in map(split_name, self.outcome):
                self.excluded.setdefault(base, set()).add(index)
            yield from (Name(f.name) for f in self.schema.fields if not self._skip(f.name))
        elif isinstance(part, Sum) and adding:
            inner = self.without_matrices(part)
            if not (isinstance(inner, Sum) and inner.parts == ((True, Number(1.0)),)):
                yield inner
        else:
            self._check_uncrossed(part)
            yield part

    def _check_uncrossed(self, part: Terms) -> None:
        """Raise FormulaError where a matrix is part of a product."""
        match part:
            case Cross():
                inner: tuple[Terms, ...] = (part.left, part.right)
            case Power():
                inner = (part.base,)
            case Sum():
                inner = tuple(p for _, p in part.parts)
            case _:
                inner = ()
        for factor in inner:
            if isinstance(factor, Dot) or (isinstance(factor, Name) and factor.name in self.schema.matrices):
                text = "." if isinstance(factor, Dot) else factor.name
                raise FormulaError(
                    f"'{text}' is a matrix, or holds one, and the iterative and the dual solver multiply no matrix by "
                    'other terms; put the products into the matrix, or use solver="gram"'
                )
            self._check_uncrossed(factor)

    def _skip(self, name: str) -> bool:
        """Whether `.` leaves a column out: it is in the outcome, or a column of a matrix that enters as a matrix."""
        return name in self.outcome or matrix_column(name, self.schema.matrices) is not None

    def _inside(self, adding: bool, part: Terms) -> bool:
        """Whether a part is a column of a matrix that is a term already; records it where it is subtracted."""
        column = matrix_column(part.name, self.schema.matrices) if isinstance(part, Name) else None
        if column is None or column[0] not in self.used_matrices:
            return False
        (
            self.excluded.setdefault(column[0], set()).discard
            if adding
            else self.excluded.setdefault(column[0], set()).add
        )(column[1])
        return True

    def matrix_terms(self) -> Iterator[MatrixTerm]:
        """The matrices that are terms, without excluded columns. Raises SchemaError."""
        for name in self.used_matrices:
            field = self.schema.wide.get(name)
            if (field.kind if field else self.schema[f"{name}[0]"].kind) is not Kind.NUMBER and self._width(name):
                raise SchemaError(f"the matrix '{name}' holds no numbers; this solver takes numbers only")
            excluded = self.excluded.get(name, set())
            width = self._width(name)
            places = np.array([i for i in range(width) if i not in excluded], np.int64) if excluded else None
            yield MatrixTerm(name, width if places is None else len(places), places)

    def _width(self, name: str) -> int:
        """Number of columns of a matrix."""
        return self.schema.matrices[name]


def split_name(name: str) -> tuple[str, int]:
    """Matrix and position of a name such as X[3]; the position is -1 for other names."""
    base, _, index = name.removesuffix("]").rpartition("[")
    return (base, int(index)) if name.endswith("]") and index.isdecimal() else (name, -1)


def matrix_column(name: str, matrices: Mapping[str, int]) -> tuple[str, int] | None:
    """Matrix and position of the column with this name; None for names that are no column of a matrix."""
    base, index = split_name(name)
    return (base, index) if 0 <= index < matrices.get(base, 0) else None


def _check_terms(design: Design) -> None:
    """Raise FormulaError for terms that are not a column or a function of one column, and for absorbed factors."""
    for term in design.terms.terms:
        parts = term.numeric_terms
        simple = not term.factors and len(parts) <= 1 and all(degree(m) <= 1 for m in term.leading)
        if not simple or any(len(p.names) != 1 or p.names != p.variables for p in parts):
            raise FormulaError(
                f"'{term.label}': the iterative and the dual solver take numeric columns, functions of one column and "
                'matrices; write factors and products as columns of a (sparse) matrix, or use solver="gram"'
            )
    if design.terms.absorbed:
        name = label(Name(design.terms.absorbed[0]))
        raise FormulaError(f"only solver=\"gram\" absorbs factors, found '| {name}'")
