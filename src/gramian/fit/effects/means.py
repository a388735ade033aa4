"""Estimated marginal means: predictions at the means of columns of numbers, averaged over levels with equal weights.

S. R. Searle, F. M. Speed and G. A. Milliken, Population marginal means in the linear model: an alternative to least
squares means, The American Statistician 34 (1980); the definitions are those of R's package emmeans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.errors import OptionError, listing, one_of
from gramian.fit.effects.averages import RowsToAverage
from gramian.fit.effects.column_means import column_means, texts
from gramian.fit.effects.effects import SCALES, At, refuse_absorbed
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.settings import Fixed, Setting, changed, check_predictor, grid, labels, levels_of, predictors
from gramian.formula.coding import Cell
from gramian.formula.row_reader import Reader
from gramian.formula.syntax import names
from gramian.linalg.columns import Factors
from gramian.linalg.monomials import Monomial
from gramian.results.effects import Effects
from gramian.typing import Vector


def means(model: EffectModel, over: RowsToAverage, factors: str | Sequence[str], at: At, scale: str) -> Effects:
    """Marginal means at every combination of the levels of factors."""
    one_of("scale", scale, SCALES)
    refuse_absorbed(model)
    design, wanted = model.design, [factors] if isinstance(factors, str) else list(factors)
    for name in wanted:
        check_predictor(name, design)
        if levels_of(name, design) is None:
            raise OptionError(f"'{name}' is a column of numbers, and has no means of levels; set it by at=")
    ordered = {name: model.ordered_levels(name) for name in wanted if name not in (at or {})}
    settings = grid({**ordered, **(at or {})}, design)
    fixed = dict(settings[0]).keys()
    for factor in design.terms.factors.values():
        if factor.node is not None and not fixed >= {*factor.columns}:
            columns = listing(n for n in factor.columns if n not in fixed)
            raise OptionError(f"there are no means of {factor.column}: set {columns} by at=")
    numeric = names(*design.terms.variables.values(), *design.offsets)
    at_means = column_means(model, [name for name in numeric if name not in fixed], over)
    gradients, offsets = zip(*(_row(model, {**_fixed(at_means), **dict(setting)}) for setting in settings), strict=True)
    G = np.array(gradients).reshape(len(settings), model.width)
    estimable = model.estimable(np.nan_to_num(G)) & np.isfinite(G).all(axis=1)
    values = np.where(estimable, G @ model.coefficients + model.shift + np.array(offsets), np.nan)
    link = None if model.model is None or model.is_linear else model.model.link
    others = [n for n in predictors(design) if n not in fixed and levels_of(n, design) is not None]
    notes = [f"equal weights for the levels of {listing(others)}"] if others else []
    notes += [f"at the means: {', '.join(texts(at_means))}"] if at_means else []
    if link is not None:
        notes.append(f"averaged on the scale of the link, {link.name}" + (", and mapped back" * (scale == "response")))
    return Effects(
        f"marginal means of {', '.join(wanted)}",
        {name: tuple(column) for name, column in labels(settings).items()},
        values,
        model.covariance(np.nan_to_num(G)),
        model.df,
        link=link if scale == "response" else None,
        notes=tuple(notes),
    )


def _fixed(at_means: Mapping[str, float]) -> dict[str, Any]:
    """Means as a setting."""
    return {name: Fixed(mean) for name, mean in at_means.items()}


def _row(model: EffectModel, changes: Mapping[str, Any]) -> tuple[Vector, float]:
    """The average row (q,) of stored columns over the levels of all other factors, and the offset."""
    setting: Setting = tuple(changes.items())
    design = model.only(changes.keys())
    observed = Reader(design, response=False).read(changed(Batch(1, {}), setting))
    reference = ReferenceRow(
        model,
        {v: float(design.coordinates[v].stored(x)[0]) for v, x in observed.values.items()},
        {factor: int(codes[0]) for factor, codes in observed.codes.items()},
    )
    row = np.array([reference.value(cell, m) for cell, m in model.stored])
    offset = 0.0 if observed.offset is None else float(observed.offset[0])
    return (row if reference.has_rows else np.full(model.width, np.nan)), offset


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """A row of stored columns, averaged over the levels of the factors that are not fixed.

    Attributes
    ----------
    model : EffectModel
        The fit.
    values : mapping
        Variable -> its value in shifted coordinates.
    codes : mapping
        Factor that is fixed -> the code of its level.
    """

    model: EffectModel
    values: Mapping[str, float]
    codes: Mapping[str, int]

    def value(self, cell: Cell, m: Monomial) -> float:
        """The average of one stored column: each level of a factor that is not fixed has the same share."""
        sizes = self.model.sizes
        shares = (float(self.codes[f] == code) if f in self.codes else 1.0 / sizes[f] for f, code in cell)
        return prod(shares) * prod(self.values[v] ** power for v, power in m)

    @property
    def has_rows(self) -> bool:
        """Whether every combination of levels that the average needs has rows."""
        return all(self._is_full(factors) for factors in self.model.interactions)

    def _is_full(self, factors: Factors) -> bool:
        """Whether each cell of these factors, with the fixed levels, has rows."""
        here = [i for i, f in enumerate(factors) if f in self.codes]
        cells = self.model.interactions[factors]
        matching = sum(all(cell[i] == self.codes[factors[i]] for i in here) for cell in cells)
        return matching == prod(self.model.sizes[f] for f in factors if f not in self.codes)
