"""The sums of a pass as the products of a mixed model, in columns of similar size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.errors import NotIdentifiedError, NumericalError
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, first_solution
from gramian.fit.mixed.designs import MixedDesigns
from gramian.fit.panel.by_group import PanelSums, ProductsByGroup, solved_columns
from gramian.fit.passes.options import Options
from gramian.fit.passes.part_of_sums import part_of_sums
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.mixed.products import GroupedProducts, grouped_products
from gramian.typing import Codes, Matrix, Vector

EXACT = 1e-13  # share of the outcome's square below which residuals are rounding errors of its sum


@dataclass(frozen=True, slots=True)
class RandomColumns:
    """The columns of one term of random effects.

    Attributes
    ----------
    system : System
        Their normal equations.
    solved : Solved
        The outcome on them by least squares.
    scale : ndarray of shape (q,)
        Power of two that each column was multiplied by.
    """

    system: System
    solved: Solved
    scale: Vector

    def to_model(self) -> Matrix:
        """(q, q) effects of the model's columns from those of the scaled ones."""
        T, out = self.solved.parametrization.to_model, np.diag(self.scale)
        return out if T is None else maps.multiply(maps.map_of(T), out)


@dataclass(frozen=True, slots=True)
class MixedSystem:
    """The products of a mixed model.

    Attributes
    ----------
    system : System
        The normal equations of the fixed effects by least squares.
    ols : Solved
        Their solution.
    kept : ndarray of int, shape (r,)
        The fixed effects' columns that do not depend on others.
    scale : ndarray of shape (r + 1,)
        Power of two that these columns and the outcome were multiplied by.
    random : tuple of RandomColumns
        The random effects.
    products : GroupedProducts
        Products of the scaled columns.
    groups : ProductsByGroup
        The groups, in the order of their values.
    """

    system: System
    ols: Solved
    kept: Codes
    scale: Vector
    random: tuple[RandomColumns, ...]
    products: GroupedProducts
    groups: ProductsByGroup

    @property
    def unit(self) -> float:
        """Size of the unit of the outcome in which the products are."""
        return float(self.ols.parametrization.scale / self.scale[-1])

    def effects_to_model(self) -> tuple[Matrix, ...]:
        """For each term (q, q) effects of the model's columns, in units of the outcome, from those of the scaled."""
        return tuple(r.to_model() * self.unit for r in self.random)


def mixed_system(designs: MixedDesigns, joint: Design, sums: PanelSums, options: Options) -> MixedSystem:
    """The products of a mixed model from the sums of a pass.

    joint : the design of the pass, with coordinates.

    Raises
    ------
    NumericalError
        Without rows, for one group, or for as many random effects as rows.
    NotIdentifiedError
        Where the columns of random effects depend on each other.
    """
    system, ols = first_solution(*part_of_sums(joint, sums.total, designs.fixed), options)
    groups = sums.groups.take(sums.groups.by_value())
    pairs = [first_solution(*part_of_sums(joint, sums.total, d), options) for d in designs.random]
    _check_groups(designs.by, groups, sum(len(s.names) for s, _ in pairs), ols.rows)
    for _, solved in pairs:
        _check_identified(solved)
    kept = np.flatnonzero(ols.solution.independent)
    at = np.append(kept, len(ols.names))
    total = system.products.hi[np.ix_(at, at)]
    scale = _powers(total.diagonal() / ols.weight)
    random = tuple(RandomColumns(s, f, _powers(s.products.hi.diagonal()[:-1] / ols.weight)) for s, f in pairs)
    right = solved_columns(ols.parametrization, ols.levels.names)
    left = [solved_columns(r.solved.parametrization, r.solved.levels.names) for r in random]
    ZX = np.concatenate([groups.products_of(columns, right)[:, :, at] for columns in left], axis=1)
    ZZ = np.concatenate(
        [np.concatenate([groups.products_of(a, b)[:, :, :-1] for b in left], axis=2) for a in left], axis=1
    )
    sizes = np.concatenate([r.scale for r in random])
    products = grouped_products(
        total * scale[:, None] * scale,
        np.ascontiguousarray((ZZ * sizes[:, None] * sizes).transpose(1, 2, 0)),
        np.ascontiguousarray((ZX * sizes[:, None] * scale).transpose(1, 2, 0)),
    )
    return MixedSystem(system, ols, kept, scale, random, products, groups)


def _powers(squares: Vector) -> Vector:
    """Powers of two that bring mean squares near one."""
    exponents = -np.round(0.5 * np.log2(np.where(squares > 0.0, squares, 1.0))).astype(int)
    return np.asarray(np.ldexp(np.ones(len(squares)), exponents))


def _check_groups(by: tuple[str, ...], groups: ProductsByGroup, effects: int, rows: int) -> None:
    """Raise NumericalError for data without variation between or within groups."""
    count, name = len(groups.counts), ":".join(by)
    if count < 2:
        raise NumericalError(
            f"'{name}' has one group: a variance between groups needs several; leave the random effects out, as in "
            "gm.ols"
        )
    if count * effects >= rows:
        raise NumericalError(
            f"{count:,} groups of '{name}' with {effects} random effect{'s'[: effects != 1]} each are no fewer than "
            f"the {rows:,} rows: their variance cannot be told from that of the residuals; take fewer random effects, "
            "or a coarser grouping"
        )


def _check_identified(solved: Solved) -> None:
    """Raise NotIdentifiedError where the columns of a term depend on each other."""
    if solved.aliased:
        lines = "; ".join(f"{name} = {what}" for name, what in solved.aliased.items())
        raise NotIdentifiedError(
            f"the columns of the random effects depend on each other ({lines}): leave these out", dict(solved.aliased)
        )


def check_residuals(products: GroupedProducts) -> None:
    """Raise NumericalError where the fixed effects, and any effects of groups, explain the outcome exactly."""
    within = products.within
    explained = within[-1, :-1] @ np.linalg.lstsq(within[:-1, :-1], within[:-1, -1], rcond=EXACT)[0]
    total = within[-1, -1] + float(np.sum(products.between[:, -1] ** 2))
    if within[-1, -1] - explained <= EXACT * total:
        raise NumericalError(
            "the residuals are zero: fixed effects and effects of the groups explain the outcome exactly, so that "
            "there is nothing to tell a variance from"
        )
