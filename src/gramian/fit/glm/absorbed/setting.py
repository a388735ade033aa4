"""Coefficients of the solved columns, followed by the effects of the levels of absorbed factors, as one vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.fit.glm.columns import Setting
from gramian.formula.coding import levels_of, model_columns
from gramian.formula.coordinates import parametrize
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.blocks import Predictor
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT
from gramian.linalg.products import ColumnGroup, without_last
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class AbsorbedSetting(Setting):
    """Model columns beside absorbed factors; a point has p coefficients, then the effects of all levels.

    Attributes
    ----------
    sizes : mapping of str to int
        Absorbed factor -> its number of levels, in the order of the formula.
    """

    sizes: Mapping[str, int]

    @property
    def width(self) -> int:
        """Number of stored columns, q, without the response."""
        return sum(len(g.positions) for g in self.groups)

    @property
    def groups(self) -> list[ColumnGroup]:
        """Stored columns without the response."""
        return without_last(self.parametrization.groups)

    def stored(self, b: Vector) -> Vector:
        """Coefficients (q,) of the stored columns from those (p,) of the solved ones."""
        subspace = self.parametrization.subspace
        return b if subspace is None else np.asarray(maps.apply(subspace[:-1], b, self.width))

    def predictor(self, b: Vector) -> Predictor:
        """The linear predictor of any rows. b : (p + levels,)."""
        p, groups, start = len(self.columns), list(self.groups), self.width
        for factor, size in self.sizes.items():
            codes = np.arange(size)
            groups.append(ColumnGroup((factor,), codes[:, None], (CONSTANT,), start + codes))
            start += size
        return Predictor(self.design.layout, tuple(groups), np.concatenate([self.stored(b[:p]), b[p:]]))

    def effects(self, b: Vector) -> dict[str, Vector]:
        """Absorbed factor -> effects (levels,) in a point b : (p + levels,)."""
        ends = np.cumsum([len(self.columns), *self.sizes.values()]).tolist()
        return {f: b[start:stop] for f, start, stop in zip(self.sizes, ends[:-1], ends[1:], strict=True)}

    def joined(self, b: Vector, effects: Mapping[str, Vector]) -> Vector:
        """A point from coefficients (p,) and the effects of each factor's levels."""
        return np.concatenate([b, *(effects[f] for f in self.sizes)])


def absorbed_setting(design: Design, moments: Moments, *, every_level: bool, penalized: bool) -> AbsorbedSetting:
    """The model columns for the levels that the moments have; parameters as of `setting_of`."""
    levels, absorbed = levels_of(moments, design.terms), design.terms.absorbed
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=every_level)
    (response,) = design.outcome
    parametrization = parametrize(
        columns, levels, response, design.coordinates, as_written=penalized, absorbed=absorbed
    )
    sizes = {factor: len(moments.levels[factor]) for factor in absorbed}
    return AbsorbedSetting(design, columns, levels, parametrization, sizes)
