"""Settings: what columns are taken to be, whatever the data say, and the quantities that are averaged there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Batch
from gramian.column import Coded, Numbers
from gramian.errors import OptionError, did_you_mean, listing
from gramian.formula.coding import level_name
from gramian.formula.design import Design
from gramian.formula.kinds import uses
from gramian.formula.syntax import names
from gramian.schema import Kind
from gramian.typing import Level


@dataclass(frozen=True, slots=True)
class Fixed:
    """Every row has this value in the column."""

    value: Level

    def __str__(self) -> str:
        return level_name(self.value)


@dataclass(frozen=True, slots=True)
class Shifted:
    """Every row has its own number in the column, plus this."""

    by: float

    def __str__(self) -> str:
        return f"{self.by:+.15g}"


Change: TypeAlias = Fixed | Shifted
Setting: TypeAlias = tuple[tuple[str, Change], ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """The average over rows of a prediction, or of its derivative.

    Attributes
    ----------
    setting : Setting
        What columns are taken to be; all others are as in the data.
    slope : str or None
        The column by which the prediction is differentiated; None for the prediction itself.
    """

    setting: Setting = ()
    slope: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedBatch(Batch):
    """A batch in which columns are what a setting takes them to be. changes : column -> what it is."""

    changes: Mapping[str, Change] = field(default_factory=dict)

    def numbers(self, name: str, *, as_stored: bool = False) -> Numbers:
        """As of `Batch`, with the setting's numbers."""
        change = self.changes.get(name)
        if isinstance(change, Fixed):
            return Numbers(np.full(self.rows, float(change.value)), None)
        values, present = Batch.numbers(self, name)
        return Numbers(values if change is None else values + change.by, present)

    def arrow(self, name: str) -> Any:
        """As of `Batch`, with the setting's values."""
        change = self.changes.get(name)
        if isinstance(change, Fixed):
            return pa.repeat(change.value, self.rows)
        values = Batch.arrow(self, name)
        return values if change is None else pc.add(values.cast(pa.float64()), change.by)

    def factor(self, name: str, known: range | None = None) -> Coded:
        """As of `Batch`, with the setting's level."""
        change = self.changes.get(name)
        if isinstance(change, Fixed):
            return Coded(np.zeros(self.rows, np.int64), (change.value,))
        return Batch.factor(self, name, known)


def changed(batch: Batch, setting: Setting) -> ChangedBatch:
    """The batch in which the columns of a setting are what it takes them to be."""
    return ChangedBatch(
        batch.rows, batch.columns, batch.matrices, batch.where, batch.first_row, batch.positions, dict(setting)
    )


def grid(at: Mapping[str, Any] | None, design: Design) -> list[Setting]:
    """All combinations of the values that columns are set to; the last column varies fastest.

    at : column -> a value, or several. Raises OptionError for what is no predictor, no number or no level of the fit.
    """
    choices = [[(name, Fixed(v)) for v in values_of(name, value, design)] for name, value in (at or {}).items()]
    return list(product(*choices))


def values_of(name: str, value: Any, design: Design) -> Sequence[Level]:
    """One or several values of a column, checked against what the formula makes of it."""
    check_predictor(name, design)
    several = isinstance(value, Sequence | np.ndarray | range) and not isinstance(value, str)
    values = list(value) if several else [value]
    if not values:
        raise OptionError(f"at={{{name!r}: ...}} has no values")
    return [checked_value(name, v.item() if isinstance(v, np.generic) else v, design) for v in values]


def checked_value(name: str, value: Any, design: Design) -> Level:
    """A value that the column may be set to. Raises OptionError for others."""
    levels = levels_of(name, design)
    if levels is not None:
        for level in levels:
            if level == value and isinstance(level, bool) == isinstance(value, bool):
                return level
        texts = [level_name(level) for level in levels]
        raise OptionError(f"'{name}' has no level {value!r}{did_you_mean(str(value), texts)} ({listing(texts)})")
    kind = _kind_of_use(name, design)
    if kind is Kind.TEXT and isinstance(value, str):
        return value
    if kind is Kind.BOOLEAN and isinstance(value, bool):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
    if kind is not Kind.NUMBER or not is_number:
        what = {Kind.NUMBER: "numbers", Kind.TEXT: "text", Kind.DATE: "dates"}.get(kind, "true and false")
        raise OptionError(f"'{name}' is a column of {what}, and cannot be set to {value!r}")
    return float(value)


def _kind_of_use(name: str, design: Design) -> Kind:
    """As what the formula uses a column that is no factor: a number unless it is only compared with something else."""
    terms = design.terms
    computed = (f.node for f in terms.factors.values() if f.node is not None)
    nodes = (*terms.variables.values(), *design.offsets, *computed)
    kinds = {kind for node in nodes for used, kind in uses(node) if used == name}
    return Kind.NUMBER if Kind.NUMBER in kinds or not kinds else min(kinds)


def is_comparable(name: str, design: Design) -> bool:
    """Whether a column has levels, or is a number that may be larger."""
    return levels_of(name, design) is not None or _kind_of_use(name, design) is Kind.NUMBER


def levels_of(name: str, design: Design) -> Sequence[Level] | None:
    """Levels of a column that the formula uses as a factor; None for a column of numbers."""
    labels = [label for label, factor in design.terms.factors.items() if factor.column == name]
    known = design.levels or {}
    return known[labels[0]] if labels else None


def predictors(design: Design) -> tuple[str, ...]:
    """Names of the columns that predictions depend on; without those whose slopes differ by absorbed levels."""
    terms = design.terms
    used = names(*terms.variables.values(), *design.offsets)
    every = dict.fromkeys([*used, *(c for f in terms.factors.values() for c in f.columns)])
    return tuple(name for name in every if name not in _by_level(design))


def _by_level(design: Design) -> dict[str, str]:
    """Column -> the absorbed factor by whose levels its slope differs."""
    terms = design.terms
    return {name: f for f, own in terms.slopes.items() for name in names(*(terms.variables[v] for v in own.variables))}


def check_predictor(name: str, design: Design) -> None:
    """Raise OptionError for a column that predictions do not depend on."""
    columns, by_level = predictors(design), _by_level(design)
    if name in by_level:
        raise OptionError(
            f"'{name}' has a slope for each level of {by_level[name]}, which are absorbed: fit.fixed_effects() has them"
        )
    if name not in columns:
        raise OptionError(
            f"'{name}' is no predictor of this fit{did_you_mean(str(name), columns)} ({listing(columns)})"
        )


def is_numeric(name: str, design: Design) -> bool:
    """Whether a column enters as numbers, so that it has slopes."""
    used = name in names(*design.terms.variables.values(), *design.offsets)
    return used and _kind_of_use(name, design) is Kind.NUMBER


def together(first: Setting, second: Setting) -> Setting:
    """Both settings; where they disagree, the second one."""
    return tuple({**dict(first), **dict(second)}.items())


def labels(settings: Sequence[Setting]) -> dict[str, list[Level | None]]:
    """Columns that all of the settings fix -> their value in each of them."""
    return {
        name: [change.value for setting in settings if isinstance(change := dict(setting)[name], Fixed)]
        for name in dict(settings[0])
    }
