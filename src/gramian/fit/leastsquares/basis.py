"""What the rounding of power sums does to columns that are made of them: orthogonal polynomials, centred columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError
from gramian.formula.coding import ModelColumn
from gramian.formula.numeric_terms import Orthogonal, orthonormal
from gramian.formula.terms import Term, Terms
from gramian.linalg.certificate import EPS
from gramian.typing import Codes, Vector

PAIRWISE = 20  # roundings on the longest path of NumPy's sum of a block


@dataclass(frozen=True, slots=True)
class ColumnErrors:
    """Relative errors (p,) of the columns that are made of power sums, and the terms (p,) that they belong to.

    lengths : (p,) of the columns, relative to that of the constant.
    A change of basis within a term: polynomials P with P H P' = I for the moment matrix H of a variable become
    (I + D) P with |D| <= g |P| A |P'|, A the moment matrix of absolute values, and coefficients change by D'.
    """

    errors: Vector
    lengths: Vector
    terms: Codes
    constant: int | None

    def coefficient_errors(self, values: Vector) -> Vector:
        """How far the coefficients (p,) of these columns, and the intercept beside them, can be off."""
        if not self.errors.any():
            return np.zeros(len(values))
        sizes = np.abs(np.nan_to_num(values))
        errors = np.zeros(len(values))
        for term in np.unique(self.terms[self.errors > 0.0]):
            at = self.terms == term
            errors[at] = self.errors[at] * sizes[at].max()
        if self.constant is not None:
            errors[self.constant] += errors @ self.lengths
        return errors


def column_errors_of(
    terms: Terms, columns: Sequence[ModelColumn], sums: Mapping[str, Vector], blocks: int, constant: int | None
) -> ColumnErrors:
    """The errors of a model's columns. sums : variable -> sums of its powers, pairwise over so many blocks."""
    if not (tops := terms.power_sums()):
        return ColumnErrors(np.zeros(len(columns)), np.ones(len(columns)), np.zeros(len(columns), np.int64), constant)
    error_of = {v: _error(sums[v], top // 2, _rounding_error(blocks, top)) for v, top in tops.items()}
    errors = np.array(
        [max((error_of[v] for v in _power_sum_variables(terms.terms[c.term])), default=0.0) for c in columns]
    )
    lengths = np.array([_length(terms.terms[c.term], sums) for c in columns])
    return ColumnErrors(errors, lengths, np.array([c.term for c in columns], np.int64), constant)


def _rounding_error(blocks: int, top: int) -> float:
    """Relative error of a sum: pairwise within a block (NumPy's), probabilistic over blocks, powers by products."""
    return (PAIRWISE + 2.0 * float(np.sqrt(blocks + 1)) + 2 * top) * EPS


def _power_sum_variables(term: Term) -> set[str]:
    """Variables whose power sums the columns of a term are made of."""
    return {v for atom in term.atoms if not isinstance(atom, str) for v in atom.power_sums}


def _length(term: Term, sums: Mapping[str, Vector]) -> float:
    """Orthonormal columns have the length one, the constant the root of the rows."""
    rows = [float(sums[a.variable][0]) for a in term.atoms if isinstance(a, Orthogonal)]
    return min((r**-0.5 for r in rows if r > 0), default=1.0)


def _error(sums: Vector, degree: int, rounding_error: float) -> float:
    try:
        P = np.abs(orthonormal(sums, degree, ""))
    except NumericalError:
        return 0.0  # the columns could not be made of them
    i = np.arange(degree + 1)
    A = np.sqrt(np.outer(sums[2 * i], sums[2 * i]))
    return rounding_error * float((P @ A @ P.T).sum(axis=1).max())
