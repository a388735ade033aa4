"""Names for arrays and for the algebra: monoid, pass, engine, model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int64]
Level: TypeAlias = str | bool | int | float


class Monoid(Protocol):
    """A partial result. `+` is associative and commutative; the zero is a pass's `empty`."""

    def __add__(self, other: Self, /) -> Self: ...


M = TypeVar("M", bound=Monoid)
M_co = TypeVar("M_co", bound=Monoid, covariant=True)


class Pass(Protocol[M_co]):
    """One trip over the data: a frozen, picklable object, never a closure."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        ...

    @property
    def empty(self) -> M_co:
        """The result of no rows."""
        ...

    def accumulate(self, batches: Iterable[Any], /) -> M_co:
        """The partial result of one unit's batches."""
        ...
