"""Complete rows of small data as fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.derivation.arithmetic import Row, rational
from gramian.errors import OptionError
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.typing import Level, Vector

MAX_ROWS = 200  # more rows are not read by anybody, and fractions get slow
TOO_MANY = (
    f"the data have more than {MAX_ROWS} rows; a derivation is written out for at most {MAX_ROWS}, "
    "use gm.ols for more, or take a few of the rows"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Complete rows; n of them.

    Attributes
    ----------
    values : mapping of str to tuple of fractions, (n,)
        Numeric variables.
    codes : mapping of str to tuple of int, (n,)
        Position of each row's level among the levels of a factor.
    response : tuple of fractions, (n,)
        Outcomes minus offsets.
    left_out : mapping of str to tuple of fractions
        Values of variables in rows that are not complete, where columns depend on them as well.
    """

    values: Mapping[str, Row]
    codes: Mapping[str, tuple[int, ...]]
    response: Row
    left_out: Mapping[str, Row]

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.response)


class RowReader:
    """Collects the complete rows of batches, and the batches themselves.

    Raises OptionError as soon as there are more than 200 rows.
    """

    def __init__(self, design: Design) -> None:
        self.reader = Reader(design)
        (self.outcome,) = design.outcome
        self.batches: list[Batch] = []
        self.values: dict[str, list[Vector]] = {name: [] for name in design.terms.variables}
        self.codes: dict[str, list[int]] = {name: [] for name in design.terms.factors}
        self.response: list[float] = []
        self.offset: list[float] = []
        self.left_out: dict[str, list[float]] = {name: [] for name in design.terms.power_sums}
        self.reader.left_out = self._add_left_out

    def add(self, batch: Batch) -> None:
        """Read one batch; rows with a missing or infinite value are dropped."""
        with np.errstate(all="ignore"):
            observed = self.reader.read(batch)
        complete = _finite(observed)
        # Before anything is stored: the data may have billions of rows.
        if len(self.response) + int(complete.sum()) > MAX_ROWS:
            raise OptionError(TOO_MANY)
        for name in self.left_out:
            values = observed.values[name][~complete]
            self._add_left_out(name, values[np.isfinite(values)])
        self.batches.append(batch)
        self.response += observed.values[self.outcome][complete].tolist()
        self.offset += [0.0] * int(complete.sum()) if observed.offset is None else observed.offset[complete].tolist()
        for name, parts in self.values.items():
            parts.append(observed.values[name][complete])
        for name, codes in self.codes.items():
            codes += observed.codes[name][complete].tolist()

    def _add_left_out(self, variable: str, values: Vector, *_: object) -> None:
        """Collect the values of a variable in rows that are left out; see `row_reader.LeftOut`."""
        self.left_out[variable] += values.tolist()
        if len(self.left_out[variable]) > MAX_ROWS:
            raise OptionError(TOO_MANY)

    def finish(self, levels: Mapping[str, Sequence[Level]]) -> Rows:
        """The rows as fractions, with factors as positions among the given levels."""
        values = {name: _exact(np.concatenate([*parts, np.zeros(0)]).tolist()) for name, parts in self.values.items()}
        outcome, offset = _exact(self.response), _exact(self.offset)
        response = tuple(a - b for a, b in zip(outcome, offset, strict=True))
        codes = {name: self._positions(name, factor_levels) for name, factor_levels in levels.items()}
        return Rows(values, codes, response, {name: _exact(rest) for name, rest in self.left_out.items()})

    def _positions(self, name: str, levels: Sequence[Level]) -> tuple[int, ...]:
        """Position of each row's level of factor `name` among `levels`."""
        reader_levels = list(self.reader.levels[name].levels)
        return tuple(levels.index(reader_levels[code]) for code in self.codes[name])


def _finite(observed: Observed) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Mask of rows whose numbers are all finite."""
    vectors = [*observed.values.values(), *([] if observed.offset is None else [observed.offset])]
    return np.asarray(np.isfinite(vectors).all(axis=0))


def _exact(values: list[float]) -> Row:
    """Numbers as the shortest decimals that read back as them."""
    return tuple(map(rational, values))
