"""Formulas with powers of a single predictor."""

from __future__ import annotations

from gramian.errors import OptionError
from gramian.formula.expand import expand
from gramian.formula.grammar import parse
from gramian.formula.numeric_terms import Product
from gramian.formula.syntax import Node, label
from gramian.formula.terms import resolve
from gramian.schema import Schema

MAX_DEGREE = 11  # with the constant 12 columns


def with_powers(formula: str, schema: Schema, degree: int) -> str:
    """The formula `y ~ x` as `y ~ x + I(x^2) + ...`: the columns of poly(x, degree, raw=TRUE) under short names.

    Raises OptionError for a degree that is out of range, or a formula without exactly one numeric predictor.
    """
    if isinstance(degree, bool) or not isinstance(degree, int) or not 1 <= degree <= MAX_DEGREE:
        raise OptionError(f"polynomial must be a whole number from 1 to {MAX_DEGREE}, found {degree!r}")
    expanded = expand(parse(formula), schema.names, schema.matrices)
    predictor = label(_predictor(formula, schema))
    powers = [predictor, *(f"I({predictor}^{k})" for k in range(2, degree + 1))]
    offsets = [f"offset({label(node)})" for node in expanded.offsets]
    constant = [] if expanded.intercept else ["0"]
    return f"{label(expanded.outcome)} ~ {' + '.join([*constant, *powers, *offsets])}"


def _predictor(formula: str, schema: Schema) -> Node:
    """Syntax of the single numeric predictor. Raises OptionError where there is another term."""
    terms = resolve(expand(parse(formula), schema.names, schema.matrices), schema)
    others = [term for term in terms.terms if term.atoms]
    if len(others) == 1 and len(others[0].atoms) == 1:
        part = others[0].atoms[0]
        if isinstance(part, Product) and len(part.monomial) == 1 and part.monomial[0][1] == 1:
            return terms.variables[part.monomial[0][0]]
    raise OptionError(f"polynomial needs a formula with one numeric predictor, such as y ~ x; found '{formula}'")
