"""Sums over a block of rows: predictions and slopes at one setting, and the weighted columns of their gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gramian.fit.effects.model import EffectModel, MeanWithDerivatives
from gramian.fit.effects.rows import EffectRows
from gramian.fit.effects.settings import Quantity, Setting
from gramian.fit.effects.slopes import SlopeByColumn, slope_by
from gramian.fit.effects.sums import StoredSums, WeightedSums
from gramian.linalg.blocks import Predictor
from gramian.linalg.columns import Columns
from gramian.typing import Mask, Matrix, Vector


@dataclass(slots=True)
class RunningSums:
    """Sums of one group under way; see `GroupSums`."""

    values: Vector
    gradients: Matrix
    unseen: Mask
    rows: int = 0


class Block:
    """A block of rows: means with derivatives, and the weighted sums that are asked for.

    Parameters
    ----------
    weighted : WeightedSums
        The stored columns.
    mean : MeanWithDerivatives
        Means and their first and second derivatives by the linear predictor.
    weights : Vector
        How often each row counts.
    at : slice
        Which rows they are.
    """

    def __init__(self, weighted: WeightedSums, mean: MeanWithDerivatives, weights: Vector, at: slice) -> None:
        self.weighted, self.mean, self.weights, self.at = weighted, mean, weights, at
        self.first_weights = weights * mean.first
        self.first = weighted.add(self.first_weights)

    @cached_property
    def second(self) -> int:
        """Row of the sums with the second derivative as weight."""
        return self.weighted.add(self.weights * self.mean.second)


class SlopeParts(NamedTuple):
    """Which sums the gradient of a slope is made of: row and factor of the second derivative, rows of the first."""

    second: tuple[int, float] | None
    first: list[int]


@dataclass(frozen=True, slots=True)
class SlopeRows:
    """A slope in the rows of a batch.

    Attributes
    ----------
    position : int
        Position among the quantities.
    slope : SlopeByColumn
        The slope.
    inner : list of Vector or None
        For each variable its derivative (n,) by the column; None where it is 1.
    offset : Vector or None
        Derivative (n,) of the offsets.
    """

    position: int
    slope: SlopeByColumn
    inner: list[Vector | None]
    offset: Vector | None

    @classmethod
    def of(cls, position: int, slope: SlopeByColumn, rows: EffectRows) -> SlopeRows:
        """The slope in these rows."""
        return cls(position, slope, [v.inner(rows, slope.column) for v in slope.variables], slope.offset(rows))

    def add(self, block: Block, values: Vector) -> SlopeParts:
        """Add the sum of the slopes of a block to `values`, and ask for the sums that its gradient needs."""
        total: Vector | float = 0.0 if self.offset is None else self.offset[block.at]
        first = []
        for variable, inner in zip(self.slope.variables, self.inner, strict=True):
            part = variable.values(block.weighted.columns, block.weighted.sizes)
            total = total + (part if inner is None else part * inner[block.at])
            first.append(block.first if inner is None else block.weighted.add(block.first_weights * inner[block.at]))
        values[self.position] += np.sum(block.first_weights * total)
        if block.mean.is_linear:
            return SlopeParts(None, first)
        if np.ndim(total) == 0:
            return SlopeParts((block.second, float(total)), first)
        return SlopeParts((block.weighted.add(block.weights * block.mean.second * total), 1.0), first)

    def add_gradient(self, parts: SlopeParts, sums: Matrix, out: Vector) -> None:
        """Add the gradient of the sum of slopes to out : (q,). sums : (w, q) weighted sums of stored columns."""
        if parts.second is not None:
            row, factor = parts.second
            out += factor * sums[row]
        for variable, row in zip(self.slope.variables, parts.first, strict=True):
            variable.add_gradient(sums[row], out)


class SettingSums:
    """Sums of all quantities that share a setting.

    Parameters
    ----------
    model : EffectModel
        The fit.
    quantities : sequence of Quantity
        All quantities of the pass.
    setting : Setting
        The setting.
    positions : sequence of int
        Positions of its quantities.
    """

    def __init__(
        self, model: EffectModel, quantities: Sequence[Quantity], setting: Setting, positions: Sequence[int]
    ) -> None:
        columns = [quantities[k].slope for k in positions]
        self.setting, self.model, self.positions = setting, model, list(positions)
        pairs = list(zip(positions, columns, strict=True))
        self.levels = [k for k, column in pairs if column is None]
        self.slopes = [(k, slope_by(model, column)) for k, column in pairs if column is not None]
        self.predictor = Predictor(model.layout, model.groups, model.coefficients).prepare()

    @classmethod
    def of_all(cls, model: EffectModel, quantities: Sequence[Quantity]) -> list[SettingSums]:
        """One for each setting."""
        positions: dict[Setting, list[int]] = {}
        for k, quantity in enumerate(quantities):
            positions.setdefault(quantity.setting, []).append(k)
        return [cls(model, quantities, setting, at) for setting, at in positions.items()]

    def add(
        self, blocks: Iterator[tuple[slice, Columns]], rows: EffectRows, stored: StoredSums, sums: RunningSums
    ) -> None:
        """Add the blocks of rows that are under the setting."""
        slopes = [SlopeRows.of(k, slope, rows) for k, slope in self.slopes]
        for at, columns in blocks:
            weighted = stored.of(columns)
            if weighted.has_unseen_cells:
                sums.unseen[self.positions] = True
            eta = self.predictor(columns, stored.sizes) + self.model.shift
            eta = eta if rows.offset is None else eta + rows.offset[at]
            self._add_block(Block(weighted, self.model.mean(eta), rows.weights(at), at), slopes, sums)

    def _add_block(self, block: Block, slopes: Sequence[SlopeRows], sums: RunningSums) -> None:
        """Add one block: all weights first, so that the stored columns are summed with all of them at once."""
        for k in self.levels:
            sums.values[k] += block.weights @ block.mean.mu
        parts = [(slope, slope.add(block, sums.values)) for slope in slopes]
        S = block.weighted.sums()
        for k in self.levels:
            sums.gradients[k] += S[block.first]
        for slope, part in parts:
            slope.add_gradient(part, S, sums.gradients[slope.position])
