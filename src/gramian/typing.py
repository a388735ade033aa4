"""Type aliases of arrays and numbers, and the protocols of the algebra of all fits: a monoid, and a pass over data."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]  # (n,)
Matrix: TypeAlias = NDArray[np.float64]  # (n, k)
Mask: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int64]  # positions or codes of levels, -1 where there is none
AnyCodes: TypeAlias = NDArray[np.signedinteger[Any]]  # the same, in integers of any length
Level: TypeAlias = str | bool | int | float


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers with low <= number < high, and what a message calls them.

    A type hint `Annotated[float, Interval(...)]`, `Annotated[int, range(...)]` or `Annotated[str, (...)]` says which
    values a field may have; those of saved files are checked.
    """

    low: float
    high: float
    name: str

    def __contains__(self, value: float) -> bool:
        return self.low <= value < self.high

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class NotBelow:
    """Numbers that are not below a bound: those of `Interval` without an end, infinity and NaN for the unknown."""

    low: float
    name: str

    def __contains__(self, value: float) -> bool:
        return not value < self.low

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Every:
    """Arrays whose numbers are all in an interval; stands in type hints as `Interval`."""

    interval: Interval

    def __contains__(self, values: NDArray[Any]) -> bool:
        return bool(((values >= self.interval.low) & (values < self.interval.high)).all())

    def __str__(self) -> str:
        return self.interval.name


@dataclass(frozen=True, slots=True)
class Distinct:
    """Sequences in which nothing stands twice, and what a message calls them; stands in type hints as `Interval`."""

    name: str

    def __contains__(self, values: Sequence[Any]) -> bool:
        return len(set(values)) == len(values)

    def __str__(self) -> str:
        return self.name


class Unicode:
    """Texts that can be written as UTF-8: JSON may hold half a character, which Arrow and terminals refuse."""

    def __contains__(self, text: str) -> bool:
        return not any("\ud800" <= character <= "\udfff" for character in text)

    def __str__(self) -> str:
        return "text of Unicode"


Name: TypeAlias = Annotated[str, Unicode()]
DistinctLevels: TypeAlias = Annotated[tuple[Level, ...], Distinct("levels that differ")]
NotNegative: TypeAlias = Annotated[float, Interval(0.0, math.inf, "a finite number that is not negative")]
NotBelowZero: TypeAlias = Annotated[float, NotBelow(0.0, "a number that is not negative")]
Positive: TypeAlias = Annotated[float, Interval(math.ulp(0.0), math.inf, "a finite number above zero")]
Finite: TypeAlias = Annotated[float, Interval(-sys.float_info.max, math.inf, "a finite number")]
Share: TypeAlias = Annotated[float, Interval(0.0, math.nextafter(1.0, 2.0), "a number from 0 to 1")]
Size: TypeAlias = Annotated[int, range(2**31)]
RowCounts: TypeAlias = Annotated[Vector, Every(Interval(math.ulp(0.0), math.inf, "numbers of rows above zero"))]


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
