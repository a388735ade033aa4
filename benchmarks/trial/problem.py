"""A problem of the trial: data, a formula, and what the formula's columns are, stated apart from the library."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Data = Mapping[str, NDArray[Any]]
RESPONSE = "y"


@dataclass(frozen=True, slots=True)
class Column:
    """A model column: a product of powers of variables, zero outside a cell of factors; neither is the constant.

    powers : (variable, power) pairs. cell : (factor, level) pairs.
    """

    name: str
    powers: tuple[tuple[str, int], ...] = ()
    cell: tuple[tuple[str, str], ...] = ()


CONSTANT = Column("Intercept")


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is fitted. columns : the model's, in the order in which coefficients are told.

    data : (m,) arrays; the rows to fit. removed : rows that are added and taken out again. removed_first : whether
    they stand before the others. stacked : the memory order, "C" or "F", of a 2-D array X that is handed over for the
    columns X[0], X[1], ... what : the facts that were drawn. weights, counts : names of columns.
    """

    formula: str
    columns: tuple[Column, ...]
    data: Data
    what: str = ""
    weights: str | None = None
    counts: str | None = None
    removed: Data | None = None
    removed_first: bool = False
    stacked: str = ""
    family: str = ""
    number: int = -1

    @property
    def rows(self) -> int:
        """How many rows are fitted."""
        return len(self.data[RESPONSE])

    @property
    def added(self) -> Data:
        """All rows that are ever added."""
        if self.removed is None:
            return self.data
        parts = (self.removed, self.data) if self.removed_first else (self.data, self.removed)
        return {name: np.concatenate([part[name] for part in parts]) for name in self.data}

    def handed(self, data: Data) -> dict[str, NDArray[Any]]:
        """The data as the library gets them."""
        if not self.stacked:
            return dict(data)
        inside = [name for name in data if name.startswith("X[")]
        X = np.array(np.stack([data[name] for name in inside], axis=1), order="F" if self.stacked == "F" else "C")
        return {"X": X, **{name: values for name, values in data.items() if name not in inside}}

    @property
    def digest(self) -> str:
        """Of the data: tells whether another machine drew the same."""
        state = hashlib.sha256()
        for name, values in self.added.items():
            state.update(name.encode() + (values if values.dtype.kind != "U" else values.astype("S")).tobytes())
        return state.hexdigest()[:12]


def variables(names: Sequence[str]) -> tuple[Column, ...]:
    """A column for each variable."""
    return tuple(Column(name, ((name, 1),)) for name in names)


def linear(names: Sequence[str], *, intercept: bool = True) -> tuple[str, tuple[Column, ...]]:
    """The formula of plain columns, and the columns."""
    start = () if intercept else ("0",)
    formula = f"{RESPONSE} ~ {' + '.join((*start, *names))}"
    return formula, ((CONSTANT,) if intercept else ()) + variables(names)


def powers(name: str, degree: int) -> tuple[Column, ...]:
    """Those of `poly(name, degree, raw=True)`."""
    return tuple(Column(f"poly({name}, {degree}, raw=TRUE)[{k}]", ((name, k),)) for k in range(1, degree + 1))


def cells(factors: Mapping[str, Sequence[str]], times: Column = CONSTANT) -> tuple[Column, ...]:
    """A column in every combination of levels, the first factor varying fastest."""
    out = []
    for levels in product(*reversed(factors.values())):
        cell = tuple(zip(factors, levels[::-1], strict=True))
        parts = [f"{f}[{level}]" for f, level in cell] + ([] if times is CONSTANT else [times.name])
        out.append(Column(":".join(parts), times.powers, cell))
    return tuple(out)
