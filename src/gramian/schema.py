"""The columns of a source: `Field`, `Schema`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gramian.errors import ColumnError, SchemaError
from gramian.typing import Level

SPARSE = "sparse"  # what the type of a sparse matrix begins with


class Kind(StrEnum):
    """What a column is to a formula: text (and dictionaries) and booleans are factors, numbers are numbers."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name, its kind, the type as its source spells it, and the levels of an ordered categorical.

    `conflict` says why the column cannot be used (its files disagree, say); it matters only to who asks for it.
    """

    name: str
    kind: Kind
    type: str
    levels: tuple[Level, ...] | None = None
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a source in their order; `matrices` maps the name of a 2-D array to its width.

    A matrix `X` of width k is also present as the k fields `X[0]` ... `X[k-1]`; one that is `wide` (sparse, or of very
    many columns) has one field for all of them instead, by its name.
    """

    fields: tuple[Field, ...]
    matrices: Mapping[str, int] = field(default_factory=dict)
    wide: Mapping[str, Field] = field(default_factory=dict)
    places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {f.name: i for i, f in reversed(list(enumerate(self.fields)))}
        object.__setattr__(self, "places", places)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in their order, those of wide matrices last."""
        listed = [f.name for f in self.fields]
        return (*listed, *(f"{matrix}[{i}]" for matrix in self.wide for i in range(self.matrices[matrix])))

    @property
    def count(self) -> int:
        """How many columns there are."""
        return len(self.fields) + sum(self.matrices[matrix] for matrix in self.wide)

    def __contains__(self, name: str) -> bool:
        return name in self.places or self._of_matrix(name) is not None

    def _of_matrix(self, name: str) -> Field | None:
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
