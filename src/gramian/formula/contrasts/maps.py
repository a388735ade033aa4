"""Exact maps between treatment contrasts and other contrasts of a model with several factors.

Where the model spans the same in both, each model column in one coding is a linear combination, with rational
coefficients, of the columns in the other. Always it is a combination of cells of levels (`written_column`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product as cartesian

from gramian.errors import NumericalError
from gramian.formula.coding import Cell, Levels, ModelColumn, Stored, level_name
from gramian.formula.contrasts.matrices import Contrast
from gramian.linalg.monomials import ONE

Combination = dict[int, Fraction]
Pick = tuple[str, bool, int]  # factor, whether it is a contrast, its number or the place of the level
Key = tuple[frozenset[Pick], frozenset[str]]  # picks and numeric factors: what a column is a product of
CONSTANT: Key = (frozenset(), frozenset())


def contrast_maps(
    columns: Sequence[ModelColumn], levels: Levels, *, absorbing: bool = False
) -> tuple[list[Combination], list[Combination]] | None:
    """The model columns of both codings in terms of each other; None where the codings do not span the same.

    Parameters
    ----------
    columns : Sequence[ModelColumn]
        The p model columns.
    levels : Levels
        Levels, cells with rows and contrasts.
    absorbing : bool
        Whether absorbed factors span the constant.

    Returns
    -------
    contrasts_in_treatment, treatment_in_contrasts : list of Combination
        (p,) each column of the first coding as a combination of columns of the second.
    """
    treatment, coded = (ContrastBasis(columns, levels, contrasts, absorbing) for contrasts in ({}, levels.contrasts))
    try:
        return [treatment.express(key) for key in coded.keys], [coded.express(key) for key in treatment.keys]
    except _NotInSpanError:
        return None


def written_column(column: ModelColumn, levels: Levels) -> dict[Stored, Fraction]:
    """A model column, in the contrasts of its factors, as a combination of stored columns."""
    cells: dict[Cell, Fraction] = {(): ONE}
    for factor, code in column.cell:
        shares = _shares(factor, code, column, levels)
        cells = {(*cell, (factor, c)): share * more for cell, share in cells.items() for c, more in shares.items()}
    return {(cell, m): share * c for cell, share in cells.items() for m, c in column.polynomial.items()}


def _shares(factor: str, code: int, column: ModelColumn, levels: Levels) -> dict[int, Fraction]:
    """Code -> value of a column of a factor at this level: an indicator, or a column of the contrast matrix."""
    if factor not in column.reduced or factor not in levels.contrasts:
        return {code: ONE}
    order, C = levels.order[factor], levels.contrasts[factor].C
    at = order.index(code) - 1
    return {c: row[at] for c, row in zip(order, C, strict=True) if row[at]}


class _NotInSpanError(Exception):
    """A product of indicators and contrasts is no combination of the columns."""


@dataclass(slots=True)
class ContrastBasis:
    """The model columns in given contrasts, as a basis for products of level indicators and contrasts.

    Attributes
    ----------
    columns : Sequence[ModelColumn]
        The model columns.
    levels : Levels
        Levels and their contrasts.
    contrasts : Mapping[str, Contrast]
        Contrasts of this basis; treatment contrasts for factors that are not in it.
    absorbing : bool
        Whether absorbed factors span the constant.
    place : dict
        Factor -> code -> position of the level in the order.
    keys : list of Key
        The product that each column is.
    index : dict of Key to int
        Product -> its column.
    reduced : dict
        (factors, numeric factors) of a term -> those of its factors that have one column fewer than levels.
    cache : dict of Key to Combination
        Results of `express`.
    """

    columns: Sequence[ModelColumn]
    levels: Levels
    contrasts: Mapping[str, Contrast]
    absorbing: bool = False
    place: dict[str, dict[int, int]] = field(init=False)
    keys: list[Key] = field(init=False)
    index: dict[Key, int] = field(init=False)
    reduced: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = field(init=False)
    cache: dict[Key, Combination] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place = {f: {code: i for i, code in enumerate(order)} for f, order in self.levels.order.items()}
        self.keys = [self._key(column) for column in self.columns]
        self.index = {key: j for j, key in enumerate(self.keys)}
        self.reduced = {(frozenset(f for f, _ in c.cell), c.numeric): c.reduced for c in self.columns}

    def _key(self, column: ModelColumn) -> Key:
        """The product of indicators or contrasts and numeric factors that a column is."""
        picks = set[Pick]()
        for factor, code in column.cell:
            at = self.place[factor][code]
            is_contrast = factor in self.contrasts and factor in column.reduced
            picks.add((factor, is_contrast, at - is_contrast))
        return frozenset(picks), column.numeric

    def express(self, key: Key) -> Combination:
        """A product of level indicators and contrasts as a combination of the columns."""
        if key in self.index:
            return {self.index[key]: ONE}
        if self.absorbing and key == CONSTANT:
            return {}
        if key not in self.cache:
            self.cache[key] = self._sum(key)
        return self.cache[key]

    def _sum(self, key: Key) -> Combination:
        """Rewrite the first pick that is not a column of its term in terms of those that are, and express these.

        A contrast is a sum of indicators (a column of C). An indicator is a sum of the constant and contrasts (a row of
        [1 C] inverted), or, under treatment contrasts, the reference level is 1 minus all other indicators.
        """
        picks, numeric = key
        reduced = self.reduced.get((frozenset(f for f, _, _ in picks), numeric))
        if reduced is None:
            return self._sum_of_absent(picks, numeric)
        # sorted: the order of a set of texts differs between runs
        for pick in sorted(picks):
            rest, (factor, is_contrast, at) = picks - {pick}, pick
            if is_contrast and (factor not in reduced or factor not in self.contrasts):
                C = self.levels.contrasts[factor].C
                return self._total(((row[at], rest | {(factor, False, i)}) for i, row in enumerate(C)), numeric)
            if not is_contrast and factor in reduced:
                if factor in self.contrasts:
                    D = self.contrasts[factor].D
                    parts = ((row[at], rest | {(factor, True, k)}) for k, row in enumerate(D[1:]))
                    return self._total([(D[0][at], rest), *parts], numeric)
                if at == 0:
                    others = range(1, len(self.levels.order[factor]))
                    return self._total([(ONE, rest), *((-ONE, rest | {(factor, False, i)}) for i in others)], numeric)
        raise _NotInSpanError

    def _sum_of_absent(self, picks: frozenset[Pick], numeric: frozenset[str]) -> Combination:
        """A product that no term has: of fewer factors, or of more."""
        single_level = next((pick for pick in picks if len(self.levels.order[pick[0]]) == 1), None)
        if single_level is not None:  # every row has that level: the term has no columns
            return self.express((picks - {single_level}, numeric))
        # else an earlier term has these factors and others, all levels of them, and sums over these
        own = frozenset(f for f, _, _ in picks)
        for (factors, other), reduced in self.reduced.items():
            if other == numeric and own < factors and not (factors - own) & reduced:
                summed = sorted(factors - own)
                places = cartesian(*(range(len(self.levels.order[f])) for f in summed))
                cells = (picks | {(f, False, i) for f, i in zip(summed, at, strict=True)} for at in places)
                return self._total(((ONE, cell) for cell in cells), numeric)
        raise _NotInSpanError

    def _total(self, parts: Iterable[tuple[Fraction, frozenset[Pick]]], numeric: frozenset[str]) -> Combination:
        """Weighted sum of expressed products."""
        out: Combination = {}
        for share, picks in parts:
            if share:
                for i, c in self.express((picks, numeric)).items():
                    out[i] = out.get(i, Fraction(0)) + share * c
        return {i: c for i, c in out.items() if c}


def check_cells(columns: Sequence[ModelColumn], levels: Levels) -> None:
    """Raise NumericalError where contrasts other than treatment meet a combination of levels without rows."""
    for factors in {tuple(f for f, _ in c.cell) for c in columns if c.reduced & levels.contrasts.keys()}:
        for cell in cartesian(*(levels.order[f] for f in factors)):
            if cell not in levels.cells[factors]:
                combination = ", ".join(
                    f"{f} = {level_name(levels.names[f][c])}" for f, c in zip(factors, cell, strict=True)
                )
                raise NumericalError(
                    f"no row has {combination}, and these contrasts compare all combinations; use treatment contrasts, "
                    "which leave an empty one out"
                )
