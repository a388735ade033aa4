"""Working rows of common families and links by the compiled kernel: one trip over the rows for all that a pass does.

The bits are the same whether a pass reads the source or rows that were written to stored columns before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.formula.design import Design
from gramian.kernels.library import Library, library
from gramian.kernels.sums import Part, add_working_products, has_working_products
from gramian.linalg.blocks import Predictor, PreparedPredictor
from gramian.linalg.columns import Columns, Layout, grid
from gramian.linalg.in_place import InPlace, in_place
from gramian.linalg.moments import Accumulator
from gramian.linalg.self_products import MAX_COMPILED_WIDTH
from gramian.models.glm import GLM
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class CompiledRows:
    """How the kernel adds the rows of one unit.

    Attributes
    ----------
    library : Library
        The compiled functions.
    model : tuple
        Variance function, link, and whether weights are of the observed information.
    predictor : PreparedPredictor
        Coefficients of the stored columns.
    in_place : InPlace or None
        How columns are read where they are; None where some are products of others.
    height : int
        Rows whose sums are rounded before they are added.
    """

    library: Library
    model: tuple[str, str, bool]
    predictor: PreparedPredictor
    in_place: InPlace | None
    height: int

    def add(
        self,
        sums: Accumulator,
        order: Sequence[int],
        parts: Sequence[Part],
        rows: tuple[Vector, Vector | None, Vector | None],
        count: Vector | None,
        of_cells: WorkingCells | None = None,
    ) -> float | None:
        """Add rows to the sums of a unit, and return their deviance; None, with nothing added, if it is not finite.

        order : position of each column of the parts, and of the response. rows : outcomes, offset and prior weights
        times counts. count : (n,) how many rows each stands for; None for one. of_cells : where weights and residuals
        of the rows are written, from which sums over the cells of factors are made; None without any.
        """
        where = grid(order, order)
        products = sums.in_order(where)
        b = self.predictor.dense[list(order[:-1])]
        working = None if of_cells is None else of_cells.working
        deviance = add_working_products(self.library, self.model, parts, b, rows, products, self.height, working)
        if not math.isfinite(deviance) or not (of_cells is None or of_cells.finite()):
            return None
        return deviance if sums.replace_products(where, products, len(rows[0]), count) else None

    def add_block(
        self,
        sums: Accumulator,
        columns: Columns,
        rows: tuple[Vector, Vector | None, Vector | None],
        count: Vector | None,
        sizes: Mapping[str, int],
    ) -> float | None:
        """Add rows that were written to stored columns, as `add` does, and to the sums over the cells of factors.

        sizes : factor -> number of levels seen so far.
        """
        if sums.tables is None:
            return self.add(sums, *columns_of_block(columns), rows, count)
        (y, offset, prior), of_factors = rows, self.predictor.of_factors(columns, sizes)
        both = offset if of_factors is None else of_factors if offset is None else offset + of_factors
        cells = WorkingCells(columns, np.empty((2, columns.rows)))
        deviance = self.add(sums, *columns_of_block(columns), (y, both, prior), count, cells)
        if deviance is not None:
            sums.add_to_tables(columns, cells.working[0], count, sizes)
        return deviance


@dataclass(frozen=True, slots=True)
class WorkingCells:
    """Rows of a block whose working weights and residuals are summed over cells of factors.

    Attributes
    ----------
    columns : Columns
        The block.
    working : (2, n)
        Weights and residuals, written by the kernel.
    """

    columns: Columns
    working: Matrix

    def finite(self) -> bool:
        """Take the residuals for the response of the block; whether what is summed over cells alone is finite."""
        weights, residuals = self.working
        self.columns.set_response(residuals)
        return bool(np.isfinite(np.dot(self.columns.extra, weights)).all())


def compiled_rows(
    design: Design, layout: Layout, model: tuple[GLM, bool], predictor: Predictor, height: int
) -> CompiledRows | None:
    """How the kernel adds rows; None where NumPy does.

    model : family with link, and whether weights are of the observed information. height : rows of a block.
    """
    compiled, (glm, observed) = library(), model
    known = has_working_products(glm.family.variance_function.name, glm.link.name)
    if compiled is None or not known or len(layout.rows) > MAX_COMPILED_WIDTH:
        return None
    names = glm.family.variance_function.name, glm.link.name, observed
    where = in_place(layout, design.coordinates, design.matrix_variables, response=False)
    return CompiledRows(compiled, names, predictor.prepare(), where, height)


def columns_of_block(columns: Columns) -> tuple[tuple[int, ...], list[Part]]:
    """Positions and parts of the columns of a block in the order of `InPlace`, the response last among positions."""
    parts = [] if columns.matrix is None else [Part(columns.matrix)]
    return (*columns.matrix_positions, *columns.buffer_positions), [*parts, Part(np.asarray(columns.buffer[:-1].T))]
