"""Averages of predictions and slopes of a linear fit from the sums of its columns, without the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import comb
from typing import NamedTuple

import numpy as np

from gramian.batch import Batch
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.settings import Fixed, Quantity, Setting, Shifted, changed
from gramian.formula.coding import Cell
from gramian.formula.row_reader import Reader
from gramian.formula.syntax import Name, names
from gramian.linalg.columns import Factors
from gramian.linalg.monomials import CONSTANT, Monomial, times
from gramian.typing import Vector


class Average(NamedTuple):
    """An average, and its gradient (q,) by the coefficients of the stored columns."""

    value: float
    gradient: Vector


@dataclass(frozen=True, slots=True)
class SettingInColumns:
    """A setting as what happens to variables and factors.

    Attributes
    ----------
    fixed : mapping
        Variable -> its value in shifted coordinates, in every row.
    shifted : mapping
        Variable -> what is added to it, in shifted coordinates.
    codes : mapping
        Factor -> code of its level in every row.
    """

    fixed: Mapping[str, float]
    shifted: Mapping[str, float]
    codes: Mapping[str, int]


def average_from_moments(model: EffectModel, quantity: Quantity) -> Average | None:
    """An average over the rows of the fit; None where the sums of its columns do not determine it.

    They do for a linear predictor without offsets, for slopes in and shifts of variables that are columns themselves,
    and for settings that fix all columns of an expression or none.
    """
    if model.means is None or model.design.offsets or not model.is_linear:
        return None
    setting = _in_columns(model, quantity.setting)
    if setting is None:
        return None
    means = MeansOfColumns(model, model.means, setting)
    if quantity.slope is None:
        if means.has_unseen_cells:
            return Average(np.nan, np.full(model.width, np.nan))
        gradient = np.array([means.of(cell, m) for cell, m in model.stored])
        return Average(float(gradient @ model.coefficients) + model.shift, gradient)
    return _slope(model, quantity.slope, means)


def _slope(model: EffectModel, column: str, means: MeansOfColumns) -> Average | None:
    """The average derivative by a column; None where a variable is another function of it."""
    variables = [v for v, node in model.design.terms.variables.items() if column in names(node)]
    if not all(model.design.terms.variables[v] == Name(column) for v in variables) or means.has_unseen_cells:
        return None
    gradient = np.zeros(model.width)
    for variable in variables:
        for target, source, factor in model.derivative_entries(variable):
            gradient[target] += factor * means.of(*model.stored[source])
    return Average(float(gradient @ model.coefficients), gradient)


@dataclass(frozen=True)  # no slots: cached properties need a __dict__
class MeansOfColumns:
    """Means of stored columns over the rows of a fit, under a setting."""

    model: EffectModel
    means: Vector
    setting: SettingInColumns

    def of(self, cell: Cell, m: Monomial) -> float:
        """The mean of one stored column: what the setting fixes is a factor of it, the rest is a mean of the rest."""
        setting, factor, rest, powers = self.setting, 1.0, [], [(1.0, CONSTANT)]
        for f, code in cell:
            if f not in setting.codes:
                rest.append((f, code))
            elif setting.codes[f] != code:
                return 0.0
        for variable, power in m:
            if variable in setting.fixed:
                factor *= setting.fixed[variable] ** power
            else:
                powers = [(c * d, times(n, low)) for c, n in powers for d, low in self._shifted(variable, power)]
        return factor * sum(c * self._mean(tuple(rest), n) for c, n in powers)

    def _shifted(self, variable: str, power: int) -> list[tuple[float, Monomial]]:
        """(u + d)^power as a sum of powers of u: coefficient and monomial of each."""
        d = self.setting.shifted.get(variable, 0.0)
        terms = [(comb(power, k) * d ** (power - k), k) for k in range(power + 1)]
        return [(c, ((variable, k),) if k else CONSTANT) for c, k in terms if c]

    def _mean(self, cell: Cell, m: Monomial) -> float:
        """The mean of a stored column of the data as they are; it may be a sum over the cells of more factors."""
        if (cell, m) in self.model.places:
            return float(self.means[self.model.places[cell, m]])
        own = tuple(f for f, _ in cell)
        for factors in sorted(self.model.blocks, key=len):
            if set(own) <= set(factors) and m in self.model.blocks[factors]:
                return self._sums(factors, own, m).get(cell, 0.0)
        raise KeyError((cell, m))

    @cached_property
    def _cache(self) -> dict[tuple[Factors, Factors, Monomial], dict[Cell, float]]:
        """Results of `_sums`."""
        return {}

    def _sums(self, factors: Factors, own: Factors, m: Monomial) -> dict[Cell, float]:
        """Means of a monomial in the cells of some of the factors of a block: sums over the cells of the others."""
        key = factors, own, m
        if key not in self._cache:
            sums: dict[Cell, float] = {}
            for (cell, n), mean in zip(self.model.stored, self.means.tolist(), strict=True):
                if n == m and tuple(f for f, _ in cell) == factors:
                    part = tuple(pair for pair in cell if pair[0] in own)
                    sums[part] = sums.get(part, 0.0) + mean
            self._cache[key] = sums
        return self._cache[key]

    @property
    def has_unseen_cells(self) -> bool:
        """Whether the setting moves rows into combinations of levels that no row of the fit has."""
        codes = self.setting.codes
        for factors, cells in self.model.interactions.items():
            if codes.keys() & set(factors):
                rows = (zip(factors, cell, strict=True) for cell in cells)
                if not {tuple(codes.get(f, code) for f, code in row) for row in rows} <= cells:
                    return True
        return False


def _in_columns(model: EffectModel, setting: Setting) -> SettingInColumns | None:
    """A setting as what happens to variables and factors; None where it is not the same in every row."""
    changes, design, variables = dict(setting), model.design, model.design.terms.variables
    touched = {v: [changes.get(c) for c in names(node)] for v, node in variables.items()}
    touched = {v: by for v, by in touched.items() if any(change is not None for change in by)}
    fixed = {v for v, by in touched.items() if all(isinstance(change, Fixed) for change in by)}
    first = {v: by[0] for v, by in touched.items() if isinstance(variables[v], Name)}
    shifted = {v: change.by for v, change in first.items() if isinstance(change, Shifted)}
    columns = {column for column, change in changes.items() if isinstance(change, Fixed)}
    computed = [{*f.columns} for f in design.terms.factors.values() if f.node is not None]
    if len(fixed) + len(shifted) < len(touched) or any(changes.keys() & c and not columns >= c for c in computed):
        return None
    reader = Reader(replace(model.only(columns), offsets=()), response=False)
    observed = reader.read(changed(Batch(1, {}), setting))
    return SettingInColumns(
        {v: float(design.coordinates[v].stored(observed.values[v])[0]) for v in fixed},
        {v: float(np.ldexp(by, -design.coordinates[v].exponent)) for v, by in shifted.items()},
        {factor: int(codes[0]) for factor, codes in observed.codes.items()},
    )
