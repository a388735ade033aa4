"""Errors of orthonormal polynomials, whose coefficients are computed from power sums that were rounded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gramian.errors import NumericalError
from gramian.formula.numeric_terms import Orthogonal, orthonormal
from gramian.formula.terms import Term
from gramian.linalg.certificate import EPS
from gramian.typing import Vector

PAIRWISE = 20  # roundings on the longest path of NumPy's pairwise sum of a block


def power_error(blocks: int, top: int) -> float:
    """Relative error of a sum: pairwise within a block (NumPy's), probabilistic over blocks, powers by products."""
    return (PAIRWISE + 2.0 * float(np.sqrt(blocks + 1)) + 2 * top) * EPS


def power_sum_variables(term: Term) -> set[str]:
    """Variables whose power sums the columns of a term are made of."""
    return {v for atom in term.atoms if not isinstance(atom, str) for v in atom.power_sums}


def relative_length(term: Term, sums: Mapping[str, Vector]) -> float:
    """Length of a term's columns relative to the constant: orthonormal columns have length 1, the constant sqrt(n)."""
    rows = [float(sums[a.variable][0]) for a in term.atoms if isinstance(a, Orthogonal)]
    return min((r**-0.5 for r in rows if r > 0), default=1.0)


def polynomial_error(sums: Vector, degree: int, rounding_error: float) -> float:
    """g max_i sum_j (|P| A |P'|)_ij of the orthonormal polynomials of a variable. sums : (2 degree + 1,) or more."""
    try:
        P = np.abs(orthonormal(sums, degree, ""))
    except NumericalError:
        return 0.0  # then there are no such columns
    # sums of |x|^(i + j) are not known: by Cauchy-Schwarz they are at most the root of those of x^(2i) and x^(2j)
    i = np.arange(degree + 1)
    A = np.sqrt(np.outer(sums[2 * i], sums[2 * i]))
    return rounding_error * float((P @ A @ P.T).sum(axis=1).max())
