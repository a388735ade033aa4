"""Names and types of the columns of a source: `Kind`, `Field`, `Schema`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from gramian.errors import ColumnError, SchemaError
from gramian.typing import DistinctLevels, Size

LAGS = ("l", "f", "d")  # functions of a column at other times of the same panel: before, after, difference
MAX_LAG = 1000
LAG = re.compile(r"([lfd])\((.+), ([1-9][0-9]*)\)", re.DOTALL)
SPARSE = "sparse"  # what the type of a sparse matrix begins with


class Kind(StrEnum):
    """How a formula treats a column: text (dictionaries too) and booleans are factors, numbers are numeric terms.

    A date enters by as_number() or factor() only; no formula can use a column of kind OTHER.
    """

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    OTHER = "other"


class Lag(NamedTuple):
    """A column at another time.

    Attributes
    ----------
    function : str
        "l" for the time before, "f" for the time after, "d" for the difference from the time before.
    column : str
        The column.
    steps : int
        How many steps of time.
    """

    function: str
    column: str
    steps: int


def lag_name(function: str, column: str, steps: int) -> str:
    """The name of the column that is a lag of another one."""
    return f"{function}({column}, {steps})"


def lag_of(name: str) -> Lag | None:
    """The lag that a name stands for; None where it is none."""
    found = LAG.fullmatch(name)
    return None if found is None else Lag(found[1], found[2], int(found[3]))


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a schema.

    Attributes
    ----------
    name : str
        Its name.
    kind : Kind
        How a formula treats it.
    type : str
        The type as the source spells it, for messages.
    levels : tuple of Level or None
        The levels of a categorical in their declared order; None where none is declared.
    conflict : str or None
        Why the column cannot be used (its type differs between files, for example). It is raised only when the column
        is asked for, so that unused columns may disagree.
    examples : tuple of str
        Some values of a column of text, where the source has seen any when it was opened: for messages only.
    """

    name: str
    kind: Kind
    type: str
    levels: DistinctLevels | None = None
    conflict: str | None = None
    examples: tuple[str, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a source, in order.

    A matrix `X` of width k is also present as the k fields `X[0]` ... `X[k-1]`. A wide matrix (sparse, or of very many
    columns) has one field for all its columns instead, so that the schema stays small.

    Attributes
    ----------
    fields : tuple of Field
        The columns, without those of wide matrices.
    matrices : Mapping[str, int]
        Name of a 2-D array -> its number of columns.
    wide : Mapping[str, Field]
        Name of a wide matrix -> the field of each of its columns.
    panel : tuple of str and str, or None
        Columns of panels and of times, by which the rows are in order: then there are lags `l(x, 1)` of columns.
    places : Mapping[str, int]
        Name -> first position in `fields`.
    """

    fields: tuple[Field, ...]
    matrices: Mapping[str, Size] = field(default_factory=dict)
    wide: Mapping[str, Field] = field(default_factory=dict)
    panel: tuple[str, str] | None = None
    places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # reversed: of two columns of one name the first is used
        places = {f.name: i for i, f in reversed(list(enumerate(self.fields)))}
        object.__setattr__(self, "places", places)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order, those of wide matrices last."""
        listed = [f.name for f in self.fields]
        return (*listed, *(f"{matrix}[{i}]" for matrix in self.wide for i in range(self.matrices[matrix])))

    @property
    def count(self) -> int:
        """Number of columns, those of wide matrices included."""
        return len(self.fields) + sum(self.matrices[matrix] for matrix in self.wide)

    def __contains__(self, name: str) -> bool:
        return name in self.places or self._of_matrix(name) is not None or self._lag(name) is not None

    def _lag(self, name: str) -> Lag | None:
        """The lag that a name stands for, where the rows are in order and its column is one."""
        lag = lag_of(name) if self.panel is not None else None
        return lag if lag is not None and lag.column in self.places else None

    def _of_matrix(self, name: str) -> Field | None:
        """The field of the column `X[i]` of a wide matrix; None where the name is not of this form."""
        base, _, index = name.removesuffix("]").rpartition("[")
        inside = base in self.wide and index.isdecimal() and int(index) < self.matrices[base]
        return replace(self.wide[base], name=name) if inside and name == f"{base}[{int(index)}]" else None

    def _lagged(self, lag: Lag) -> Field:
        """The field of a lag. Raises SchemaError unless its column is a number."""
        kind = self[lag.column]
        if kind.kind not in (Kind.NUMBER, Kind.BOOLEAN):
            raise SchemaError(f"{lag_name(*lag)}: column '{lag.column}' is {kind.type}; lags are of numbers")
        return Field(lag_name(*lag), Kind.NUMBER, "double")

    def __getitem__(self, name: str) -> Field:
        if name not in self.places:
            if (matrix_field := self._of_matrix(name)) is not None:
                return matrix_field
            if (lag := self._lag(name)) is not None:
                return self._lagged(lag)
            if (lag := lag_of(name)) is not None and lag.column in self.places:
                raise SchemaError(f'{name} needs panel_id=("firm", "t"): the columns of panels and of times')
            raise ColumnError(name, self.names)
        entry = self.fields[self.places[name]]
        if entry.conflict:
            raise SchemaError(entry.conflict)
        return entry
