"""Type aliases of arrays, and the protocols of the algebra that all fits share: a monoid, and a pass over the data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]  # (n,)
Matrix: TypeAlias = NDArray[np.float64]  # (n, k)
Mask: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int64]  # positions or codes of levels, -1 where there is none
Level: TypeAlias = str | bool | int | float


class Monoid(Protocol):
    """A partial result, such as sums over some rows.

    `+` is associative and commutative, its zero is the `empty` of the pass: this is what allows any engine to split the
    rows and to add the parts.
    """

    def __add__(self, other: Self, /) -> Self: ...


M = TypeVar("M", bound=Monoid)
M_co = TypeVar("M_co", bound=Monoid, covariant=True)


class Pass(Protocol[M_co]):
    """One trip over all rows: a frozen, picklable object.

    It is never a closure, which could not be sent to other processes.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        ...

    @property
    def empty(self) -> M_co:
        """The result of no rows, the zero of `+`."""
        ...

    def accumulate(self, batches: Iterable[Any], /) -> M_co:
        """The partial result of the batches of one unit."""
        ...
