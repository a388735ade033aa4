"""Unifies the schemas of many files before a row is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gramian.data.columns import family, kind_of
from gramian.errors import listing
from gramian.schema import Field, Kind, Schema
from gramian.typing import Level

NUMBERS = {"integer", "float"}
BOTH = "column '{}' is both in the file and in the name of its folder; rename one of them"
PANDAS_INDEX = "__index_level_"  # how pandas names an unnamed index in Arrow: the number of the row, not a column


@dataclass(frozen=True, slots=True, eq=False)
class FileSchema:
    """Columns of one file or frame.

    Attributes
    ----------
    where : str
        Its name, for messages.
    types : Mapping[str, Any]
        Column -> Arrow type.
    unusable : Mapping[str, str]
        Column -> why it cannot be used.
    examples : Mapping[str, tuple of str]
        Column of text -> some of its values, where they are known.
    """

    where: str
    types: Mapping[str, Any]
    unusable: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnifiedSchema:
    """The schema of all files, and the Arrow type that each column has after unification."""

    schema: Schema
    types: Mapping[str, Any]


def unify(file_schemas: Sequence[FileSchema], levels: Mapping[str, tuple[Level, ...]] | None = None) -> UnifiedSchema:
    """The columns of all files, in the order of their first occurrence.

    Integers widen to floats, nulls to any type; any other difference is recorded as a conflict that lists the files,
    and is raised only when the column is used.

    Parameters
    ----------
    file_schemas : Sequence of FileSchema
        Columns of each file.
    levels : Mapping, optional
        Column -> levels of ordered categoricals.
    """
    names = list(dict.fromkeys(name for file_schema in file_schemas for name in file_schema.types))
    columns = [_unify_column(name, file_schemas, (levels or {}).get(name)) for name in names]
    return UnifiedSchema(Schema(tuple(f for f, _ in columns)), {f.name: kind for f, kind in columns})


def schema_of(schema: Any, levels: Any, examples: Mapping[str, tuple[str, ...]] | None = None) -> Schema:
    """The schema of one frame or stream.

    levels : column -> levels of ordered categoricals. examples : column of text -> some of its values, where known.
    """
    return unify([FileSchema("frame", *arrow_columns(schema), examples or {})], levels).schema


def arrow_columns(schema: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Column -> Arrow type, and column -> why it cannot be used, of an Arrow schema."""
    columns = [(name, kind) for name, kind in zip(schema.names, schema.types, strict=True) if not hidden(name)]
    return dict(columns), duplicates(name for name, _ in columns)


def hidden(name: str) -> bool:
    """Whether a column is only pandas's number of the row."""
    return name.startswith(PANDAS_INDEX)


def duplicates(names: Iterable[str]) -> dict[str, str]:
    """Name -> why it cannot be used, for names that occur twice."""
    seen: set[str] = set()
    repeated = [n for n in names if n in seen or seen.add(n)]  # type: ignore[func-returns-value]
    return {name: f"column '{name}' occurs more than once; rename one of them" for name in repeated}


def _unify_column(name: str, file_schemas: Sequence[FileSchema], levels: tuple[Level, ...] | None) -> tuple[Field, Any]:
    """Field and Arrow type of one column over all files."""
    kinds: dict[Any, list[str]] = {}
    for file_schema in file_schemas:
        kinds.setdefault(file_schema.types.get(name), []).append(file_schema.where)
    types = [kind for kind in kinds if kind is not None]
    agreed = common_type(types)
    conflict = _unusable(name, file_schemas) or _absent(name, kinds)
    if agreed is None:
        conflict = conflict or _differing(name, kinds)
    kind = Kind.OTHER if agreed is None else kind_of(agreed)
    examples = next((s.examples[name] for s in file_schemas if name in s.examples), ())
    return Field(name, kind, _spelled(agreed, types), levels, conflict, examples), agreed


def common_type(kinds: Sequence[Any]) -> Any:
    """The type to which all these types can be converted; None where there is none."""
    if len(kinds) == 1:
        return kinds[0]
    candidates = [kind for kind in kinds if family(kind) != "null"] or list(kinds[:1])
    families = {family(kind) for kind in candidates}
    if families == {"integer", "decimal"}:
        families = {"decimal"}
        candidates = [kind for kind in candidates if family(kind) == "decimal"]
    if families == NUMBERS:
        candidates = [kind for kind in candidates if family(kind) == "float"]
    elif len(families) != 1:
        return None
    # the widest number; in other families the last by name, so that the order of files does not matter
    return max(candidates, key=lambda kind: (getattr(kind, "bit_width", 0) if families <= NUMBERS else 0, str(kind)))


def _spelled(agreed: Any, types: Sequence[Any]) -> str:
    """The unified type as text; where there is none, all types."""
    if agreed is None:
        return " or ".join(sorted(map(str, types)))
    if len(types) == 1:
        return str(agreed)
    families = {family(kind) for kind in types}
    return "double" if families >= NUMBERS else str(agreed)


def _unusable(name: str, file_schemas: Sequence[FileSchema]) -> str | None:
    """Why a column cannot be used in some files; None where it can."""
    reasons: dict[str, list[str]] = {}
    for file_schema in file_schemas:
        if name in file_schema.unusable:
            reasons.setdefault(file_schema.unusable[name], []).append(file_schema.where)
    return next((f"{listing(files, 5)}: {why}" for why, files in reasons.items()), None)


def _absent(name: str, kinds: Mapping[Any, list[str]]) -> str | None:
    """Why a column that some files do not have cannot be used; None where all have it."""
    if None not in kinds:
        return None
    present_in = [where for kind, files in kinds.items() if kind is not None for where in files]
    return (
        f"column '{name}' is in {listing(present_in, 5)} but not in {listing(kinds[None], 5)}; "
        "read only the files that have it, or write it (null where unknown) to all of them"
    )


def _differing(name: str, kinds: Mapping[Any, list[str]]) -> str:
    """Why a column with different types cannot be used."""
    descriptions = [f"{_described(kind)} in {listing(files, 5)}" for kind, files in kinds.items() if kind is not None]
    return f"column '{name}' is {' but '.join(descriptions)}; write it with one type to all files"


def _described(kind: Any) -> str:
    """Family of a type, and the type where it is spelled in another way."""
    family_name = family(kind)
    return family_name if family_name == str(kind) else f"{family_name} ({kind})"
