"""Names and types of the columns of a source: `Kind`, `Field`, `Schema`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gramian.errors import ColumnError, SchemaError
from gramian.typing import DistinctLevels, Size

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
    """

    name: str
    kind: Kind
    type: str
    levels: DistinctLevels | None = None
    conflict: str | None = None


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
    places : Mapping[str, int]
        Name -> first position in `fields`.
    """

    fields: tuple[Field, ...]
    matrices: Mapping[str, Size] = field(default_factory=dict)
    wide: Mapping[str, Field] = field(default_factory=dict)
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
        return name in self.places or self._of_matrix(name) is not None

    def _of_matrix(self, name: str) -> Field | None:
        """The field of the column `X[i]` of a wide matrix; None where the name is not of this form."""
        base, _, index = name.removesuffix("]").rpartition("[")
        inside = base in self.wide and index.isdecimal() and int(index) < self.matrices[base]
        return replace(self.wide[base], name=name) if inside and name == f"{base}[{int(index)}]" else None

    def __getitem__(self, name: str) -> Field:
        if name not in self.places:
            if (matrix_field := self._of_matrix(name)) is not None:
                return matrix_field
            raise ColumnError(name, self.names)
        entry = self.fields[self.places[name]]
        if entry.conflict:
            raise SchemaError(entry.conflict)
        return entry
