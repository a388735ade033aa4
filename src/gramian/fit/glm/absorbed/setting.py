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
from gramian.linalg.monomials import CONSTANT, Monomial
from gramian.linalg.products import ColumnGroup, without_last
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class AbsorbedSetting(Setting):
    """Model columns beside absorbed factors; a point has p coefficients, then the effects of all levels.

    Of a factor with slopes these are the effects of the indicators, then those of the indicators times each variable.

    Attributes
    ----------
    sizes : mapping of str to int
        Absorbed factor -> its number of levels, in the order of the formula.
    """

    sizes: Mapping[str, int]

    def monomials(self, factor: str) -> tuple[Monomial, ...]:
        """The constant, and the variables with slopes: what the effects of a factor's levels belong to, J in all."""
        slopes = self.design.terms.slopes
        return slopes[factor].monomials if factor in slopes else (CONSTANT,)

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
            codes, monomials = np.arange(size), self.monomials(factor)
            positions = start + (codes[:, None] + size * np.arange(len(monomials))).ravel()
            groups.append(ColumnGroup((factor,), codes[:, None], monomials, positions))
            start += size * len(monomials)
        return Predictor(self.design.layout, tuple(groups), np.concatenate([self.stored(b[:p]), b[p:]]))

    def effects(self, b: Vector) -> dict[str, Matrix]:
        """Absorbed factor -> effects (J, levels) in a point b : (p + levels,)."""
        out, start = {}, len(self.columns)
        for factor, size in self.sizes.items():
            stop = start + size * len(self.monomials(factor))
            out[factor] = b[start:stop].reshape(-1, size)
            start = stop
        return out

    def joined(self, b: Vector, effects: Mapping[str, Matrix]) -> Vector:
        """A point from coefficients (p,) and the effects (J, levels) of each factor's levels."""
        return np.concatenate([b, *(effects[f].ravel() for f in self.sizes)])


def absorbed_setting(design: Design, moments: Moments, *, every_level: bool, penalized: bool) -> AbsorbedSetting:
    """The model columns for the levels that the moments have; parameters as of `setting_of`."""
    levels, terms = levels_of(moments, design.terms), design.terms
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=every_level)
    (response,) = design.outcome
    parametrization = parametrize(
        columns, levels, response, design.coordinates, as_written=penalized, absorbed=terms.absorbed_intercepts
    )
    sizes = {factor: len(moments.levels[factor]) for factor in terms.absorbed}
    return AbsorbedSetting(design, columns, levels, parametrization, sizes)
