"""The rows of a source with their numbers in the data, counted in a pass of its own where units do not know them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from gramian.batch import Source, Unit
from gramian.engines.spark_tasks import innermost
from gramian.errors import OptionError
from gramian.fit.bootstrap.numbered_units import SPACING, CountRows, with_starts
from gramian.fit.passes.job import PassRunner


def numbered(runner: PassRunner, columns: Sequence[str]) -> PassRunner:
    """The same rows with their numbers. columns : those of the fit, of which one is read to count rows.

    Raises OptionError for rows that can be read only once, and for those of Spark, which have no order.
    """
    source = runner.source
    if not source.rereadable:
        raise OptionError("draws of rows need data that can be read again: give a file, a frame or a list of batches")
    units = tuple(source.units)
    if any(hasattr(innermost(unit), "spark_table") for unit in units):
        raise OptionError(
            "the rows of a Spark frame have no order by which they could be drawn again; draw clusters "
            "(cluster='firm'), or write the frame to Parquet files"
        )
    rows = _rows(runner, units, columns)
    starts = [0, *accumulate(rows)][: len(rows)]
    return runner.over(with_starts(source, starts))


def _rows(runner: PassRunner, units: Sequence[Unit], columns: Sequence[str]) -> list[int]:
    """Number of rows of each unit."""
    stated = [unit.rows for unit in units]
    if None not in stated:
        return [n for n in stated if n is not None]
    spaced: Source = with_starts(runner.source, [SPACING * i for i in range(len(units))])
    counted = runner.over(spaced).fold(CountRows(tuple(columns[:1]))).rows
    return [counted.get(i, 0) for i in range(len(units))]
