"""From treatment contrasts to others and back: the columns of one coding as exact combinations of the other's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product as cartesian

from gramian.errors import NumericalError
from gramian.formula.coding import Levels, ModelColumn, level_name
from gramian.formula.contrasts import Contrast
from gramian.linalg.monomials import ONE

Combination = dict[int, Fraction]
Pick = tuple[str, bool, int]  # factor, whether it is a contrast, its number or the place of the level
Key = tuple[frozenset[Pick], frozenset[str]]  # picks and numeric factors: what a column is a product of
CONSTANT: Key = (frozenset(), frozenset())


def contrast_maps(
    columns: Sequence[ModelColumn], levels: Levels, *, absorbing: bool = False
) -> tuple[list[Combination], list[Combination]]:
    """Each column of the contrasts in those of treatment, and each column of treatment in those of the contrasts.

    absorbing : whether absorbed factors take up a constant.

    Raises NumericalError where a combination of levels has no rows: contrasts compare all of them.
    """
    _check_cells(columns, levels)
    treatment, coded = (ContrastBasis(columns, levels, contrasts, absorbing) for contrasts in ({}, levels.contrasts))
    return [treatment.express(key) for key in coded.keys], [coded.express(key) for key in treatment.keys]


@dataclass(slots=True)
class ContrastBasis:
    """The columns of a model in given contrasts, and how products of level indicators are told in them."""

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
        picks = set[Pick]()
        for factor, code in column.cell:
            at = self.place[factor][code]
            is_contrast = factor in self.contrasts and factor in column.reduced
            picks.add((factor, is_contrast, at - is_contrast))
        return frozenset(picks), column.numeric

    def express(self, key: Key) -> Combination:
        """A product of level indicators and contrasts in these columns."""
        if key in self.index:
            return {self.index[key]: ONE}
        if self.absorbing and key == CONSTANT:
            return {}
        if key not in self.cache:
            self.cache[key] = self._sum(key)
        return self.cache[key]

    def _sum(self, key: Key) -> Combination:
        picks, numeric = key
        reduced = self.reduced.get((frozenset(f for f, _, _ in picks), numeric))
        if reduced is None:  # a term without columns: its factor has one level, which every row has
            single_level = next(pick for pick in picks if len(self.levels.order[pick[0]]) == 1)
            return self.express((picks - {single_level}, numeric))
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
        raise AssertionError(key)

    def _total(self, parts: Iterable[tuple[Fraction, frozenset[Pick]]], numeric: frozenset[str]) -> Combination:
        out: Combination = {}
        for share, picks in parts:
            if share:
                for i, c in self.express((picks, numeric)).items():
                    out[i] = out.get(i, Fraction(0)) + share * c
        return {i: c for i, c in out.items() if c}


def _check_cells(columns: Sequence[ModelColumn], levels: Levels) -> None:
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
