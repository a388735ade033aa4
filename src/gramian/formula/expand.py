"""Expands a formula into terms: the meaning of `+ - : * / ^ .` as in R.

A term is a set of factors, stored as the bits of an integer, so that crossing two terms is a bitwise or and equal terms
are one key of a dictionary. G. N. Wilkinson and C. E. Rogers, Applied Statistics 22 (1973), 392-399.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NoReturn

from gramian.errors import ColumnError, FormulaError
from gramian.formula.absorbed.slopes import factor_of, intercept_beside, slopes_of
from gramian.formula.grammar import Formula
from gramian.formula.syntax import (
    Call,
    Cross,
    Dot,
    Instruments,
    Lagged,
    Name,
    Node,
    Number,
    Power,
    Sum,
    Terms,
    label,
    names,
    walk,
)
from gramian.formula.tokens import formula_error

# (a + b + ...)^10 grows combinatorially: the bounds stop it before memory runs out
MAX_TERMS, MAX_PAIRS = 10_000, 2_000_000
Masks = dict[int, None]  # an ordered set of terms; bit i of a term is the i-th factor of the formula


@dataclass(frozen=True, slots=True)
class Expanded:
    """A formula in expanded form.

    Attributes
    ----------
    outcome : Node
        The left side: an expression, or c() of several.
    terms : tuple of tuple of Node
        Each term as its factors; terms by degree, then as written.
    intercept : bool
        Whether there is an intercept.
    offsets : tuple of Node
        The expressions that stood inside offset().
    absorbed : tuple of Node
        Factors right of `|`; there is no intercept beside them, because their levels span the constant, unless
        they have slopes alone.
    """

    outcome: Node
    terms: tuple[tuple[Node, ...], ...]
    intercept: bool
    offsets: tuple[Node, ...]
    absorbed: tuple[Node, ...] = ()


def expand(
    formula: Formula,
    columns: Sequence[str],
    matrices: Mapping[str, int] | None = None,
    excluded: Sequence[str] = (),
    *,
    absorbing: bool = False,
) -> Expanded:
    """Expand a formula over these columns.

    Parameters
    ----------
    formula : Formula
        The parsed formula.
    columns : Sequence[str]
        Columns of the data, in order: what `.` stands for.
    matrices : Mapping[str, int], optional
        Name of a 2-D array -> its number of columns; the name stands for the sum of its columns.
    excluded : Sequence[str]
        Columns that `.` does not stand for.
    absorbing : bool
        Whether the model can absorb factors.

    Raises
    ------
    ColumnError
        A name is not a column.
    FormulaError
        More than 10,000 terms, or `|` where the model cannot absorb factors.
    """
    if formula.right_sides:
        raise FormulaError(f"'{formula.text}' stands for several models; only ols, ridge, glm and gram take them")
    if formula.absorbed and not absorbing:
        refuse_absorbed(formula)
    if formula.instruments is not None:
        refuse_instruments(formula.instruments, formula.text)
    if formula.random:
        message = "random effects stand in the formula of a mixed model: use gm.mixed"
        raise formula_error(message, formula.text, formula.random[0].position)
    expansion = _Expansion(formula, tuple(columns), frozenset(columns), dict(matrices or {}), frozenset(excluded))
    for node in (formula.outcome, *formula.absorbed):
        expansion.check(node)
    masks, intercept = expansion.expand(formula.terms)
    offsets = expansion.take_offsets(masks)
    # sorted() is stable: terms of one degree keep the order of the text, as in R
    terms = tuple(expansion.factors(mask) for mask in sorted(masks, key=int.bit_count))
    constant = intercept is not False and (not formula.absorbed or intercept_beside(formula.absorbed))
    return Expanded(formula.outcome, terms, constant, offsets, formula.absorbed)


def refuse_absorbed(formula: Formula) -> NoReturn:
    """Raise FormulaError for `|` in the formula of a model that cannot absorb factors."""
    first = formula.absorbed[0]
    term = "*".join([f"factor({label(factor_of(first))})", *slopes_of(first)])
    fits = "only linear and generalized linear fits (not exact=True)"
    message = f"{fits} absorb factors; write it as a term, as in + {term}"
    raise formula_error(message, formula.text, first.position)


def refuse_instruments(instruments: Instruments, text: str) -> NoReturn:
    """Raise FormulaError for instruments in the formula of a model that takes none."""
    message = "only linear fits of one outcome without a penalty take instruments: use gm.iv"
    raise formula_error(message, text, instruments.position)


@dataclass(slots=True)
class _Expansion:
    """State of one expansion.

    Attributes
    ----------
    nodes : list of Node
        The factors in the order of their first appearance; bit i of a term is `nodes[i]`.
    bits : dict of Node to int
        Factor -> 1 << its position in `nodes`.
    pairs : int
        Number of pairs of terms that were crossed so far, to bound the work.
    """

    formula: Formula
    columns: tuple[str, ...]
    column_set: frozenset[str]
    matrices: dict[str, int]
    excluded: frozenset[str] = frozenset()
    nodes: list[Node] = field(default_factory=list)
    bits: dict[Node, int] = field(default_factory=dict)
    pairs: int = 0

    def check(self, node: Node) -> None:
        """Raise ColumnError or FormulaError unless every name in the expression is a column."""
        for part in walk(node):
            if isinstance(part, Name) and part.name not in self.column_set:
                if not isinstance(part, Lagged):
                    self._raise_missing(part)
                elif part.column not in self.column_set:
                    self._raise_missing(Name(part.column, position=part.position))

    def expand(self, tree: Terms) -> tuple[Masks, bool | None]:
        """The terms of a tree, and whether it adds or removes the intercept (None: neither)."""
        match tree:
            case Name() if tree.name in self.column_set:
                return {self._bit(tree): None}, None
            case Number():
                return {}, tree.value == 1
            case Name() if tree.name in self.matrices:
                return self._leaves(f"{tree.name}[{i}]" for i in range(self.matrices[tree.name])), None
            case Dot():
                used = self.excluded.union(names(self.formula.outcome), names(*self.formula.absorbed))
                return self._leaves(name for name in self.columns if name not in used), None
            case Sum():
                return self._sum(tree)
            case Cross():
                return self._cross(tree)
            case Power():
                return self._power(tree)
        self.check(tree)
        return {self._bit(tree): None}, None

    def factors(self, mask: int) -> tuple[Node, ...]:
        """The factors of a term in the order of their first appearance."""
        if mask.bit_count() == 1:  # most terms
            return (self.nodes[mask.bit_length() - 1],)
        return tuple(self.nodes[i] for i in _ones(mask))

    def take_offsets(self, masks: Masks) -> tuple[Node, ...]:
        """Remove the offsets from the terms and return their expressions, in order.

        Raises FormulaError where an offset is crossed with something.
        """
        offsets = {bit: node for node, bit in self.bits.items() if isinstance(node, Call) and node.function == "offset"}
        all_offsets = sum(offsets)
        taken = [mask for mask in masks if mask & all_offsets]
        for mask in taken:
            if mask not in offsets:
                # x & -x is the lowest bit that is set: the first offset in the term
                culprit = offsets[mask & all_offsets & -(mask & all_offsets)]
                raise self._error("an offset has no coefficient and cannot be crossed with terms", culprit)
            del masks[mask]
        return tuple(offsets[mask].arguments[0] for mask in taken)

    def _sum(self, tree: Sum) -> tuple[Masks, bool | None]:
        """Terms of a sum from left to right: a later `-` removes what stands before it."""
        masks: Masks = {}
        intercept: bool | None = None
        for adding, part in tree.parts:
            part_masks, constant = self.expand(part)
            if adding:
                # a dict as an ordered set: a term keeps the position of its first appearance
                masks.update(part_masks)
                self._bound(masks)
            else:
                for mask in part_masks:
                    masks.pop(mask, None)
            intercept = intercept if constant is None else constant == adding
        return masks, intercept

    def _cross(self, tree: Cross) -> tuple[Masks, bool | None]:
        """Terms of `a:b`, `a*b` (= a + b + a:b) or `a/b`."""
        left, first = self.expand(tree.left)
        right, second = self.expand(tree.right)
        intercept = first if second is None else second
        match tree.op:
            case ":":
                return self._products(left, right), intercept
            case "*":
                return left | right | self._products(left, right), intercept
        # a/b is a + a:b, and (a + b)/c is a + b + a:b:c: all of the left side is crossed with each term on the right
        combined = 0
        for mask in left:
            combined |= mask
        return left | self._products({combined: None}, right), intercept

    def _power(self, tree: Power) -> tuple[Masks, bool | None]:
        """Terms of (a + b)^n: products of up to n of the terms."""
        base, intercept = self.expand(tree.base)
        masks = base
        for _ in range(tree.exponent - 1):
            # a term crossed with itself is itself, so that the squares vanish
            masks = masks | self._products(masks, base)
        return masks, intercept

    def _products(self, left: Masks, right: Masks) -> Masks:
        """Each term on the left crossed with each on the right; FormulaError beyond `MAX_PAIRS` in all."""
        self.pairs += len(left) * len(right)
        if self.pairs > MAX_PAIRS:
            raise FormulaError(f"the formula crosses more than {MAX_PAIRS:,} pairs of terms")
        products: Masks = {}
        for mask in left:
            products.update(dict.fromkeys([mask | other for other in right]))
            self._bound(products)
        return products

    def _leaves(self, column_names: Iterable[str]) -> Masks:
        """A term for each of these columns."""
        masks = {self._bit(Name(name)): None for name in islice(column_names, MAX_TERMS + 1)}
        self._bound(masks)
        return masks

    def _bit(self, node: Node) -> int:
        """The bit of a factor, a new one where it is new."""
        new = 1 << len(self.nodes)
        bit = self.bits.setdefault(node, new)
        if bit == new:
            self.nodes.append(node)
        return bit

    def _bound(self, masks: Masks) -> None:
        """Raise FormulaError beyond `MAX_TERMS` terms."""
        if len(masks) > MAX_TERMS:
            raise FormulaError(f"the formula expands to more than {MAX_TERMS:,} terms")

    def _raise_missing(self, name: Name) -> None:
        """Raise ColumnError for a name that is no column; FormulaError for a matrix inside an expression."""
        if name.name not in self.matrices:
            raise ColumnError(name.name, (*self.columns, *self.matrices))
        element = label(Name(f"{name.name}[0]"))
        raise self._error(f"'{name.name}' is a matrix; name one of its columns here, as in {element}", name)

    def _error(self, message: str, node: Node) -> FormulaError:
        """A FormulaError that points at a node."""
        return formula_error(message, self.formula.text, node.position)


def _ones(mask: int) -> Iterator[int]:
    """Positions of the bits that are set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
