"""Working rows of common families and links by the compiled kernel: one trip over the rows for all that a pass does.

The bits are the same whether a pass reads the source or rows that were written to stored columns before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.formula.design import Design
from gramian.kernels.library import Library, library
from gramian.kernels.sums import Part, add_working_products, has_working_products
from gramian.linalg.blocks import Predictor
from gramian.linalg.columns import Columns, Layout, grid
from gramian.linalg.in_place import InPlace, in_place
from gramian.linalg.moments import Accumulator
from gramian.linalg.self_products import MAX_COMPILED_WIDTH
from gramian.models.glm import GLM
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class CompiledRows:
    """How the kernel adds the rows of one unit.

    Attributes
    ----------
    library : Library
        The compiled functions.
    model : tuple
        Variance function, link, and whether weights are of the observed information.
    coefficients : (m,)
        Of the stored columns, by position; zero for the response.
    in_place : InPlace or None
        How columns are read where they are; None where some are products of others.
    height : int
        Rows whose sums are rounded before they are added.
    """

    library: Library
    model: tuple[str, str, bool]
    coefficients: Vector
    in_place: InPlace | None
    height: int

    def add(
        self,
        sums: Accumulator,
        order: Sequence[int],
        parts: Sequence[Part],
        rows: tuple[Vector, Vector | None, Vector | None],
        count: Vector | None,
    ) -> float | None:
        """Add rows to the sums of a unit, and return their deviance; None, with nothing added, if it is not finite.

        order : position of each column of the parts, and of the response. rows : outcomes, offset and prior weights
        times counts. count : (n,) how many rows each stands for; None for one.
        """
        where = grid(order, order)
        products = sums.in_order(where)
        b = self.coefficients[list(order[:-1])]
        deviance = add_working_products(self.library, self.model, parts, b, rows, products, self.height)
        if not math.isfinite(deviance) or not sums.replace_products(where, products, len(rows[0]), count):
            return None
        return deviance

    def add_block(
        self,
        sums: Accumulator,
        columns: Columns,
        rows: tuple[Vector, Vector | None, Vector | None],
        count: Vector | None,
    ) -> float | None:
        """Add rows that were written to stored columns, as `add` does."""
        return self.add(sums, *columns_of_block(columns), rows, count)


def compiled_rows(
    design: Design, layout: Layout, model: tuple[GLM, bool], predictor: Predictor, height: int
) -> CompiledRows | None:
    """How the kernel adds rows; None where NumPy does.

    model : family with link, and whether weights are of the observed information. height : rows of a block.
    """
    compiled, (glm, observed) = library(), model
    known = has_working_products(glm.family.variance_function.name, glm.link.name)
    if compiled is None or not known or layout.tables or layout.extra or len(layout.rows) > MAX_COMPILED_WIDTH:
        return None
    names = glm.family.variance_function.name, glm.link.name, observed
    where = in_place(layout, design.coordinates, design.matrix_variables, response=False)
    return CompiledRows(compiled, names, predictor.prepare().dense, where, height)


def columns_of_block(columns: Columns) -> tuple[tuple[int, ...], list[Part]]:
    """Positions and parts of the columns of a block in the order of `InPlace`, the response last among positions."""
    parts = [] if columns.matrix is None else [Part(columns.matrix)]
    return (*columns.matrix_positions, *columns.buffer_positions), [*parts, Part(np.asarray(columns.buffer[:-1].T))]
