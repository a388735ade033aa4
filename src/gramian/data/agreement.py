"""One schema for many files, agreed before a row is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gramian.data.columns import family, kind_of
from gramian.errors import listing
from gramian.schema import Field, Kind, Schema
from gramian.typing import Level

NUMBERS = {"integer", "float"}


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What one file or frame says of its columns.

    types : name -> Arrow type. unusable : name -> why the column cannot be read from this file.
    """

    where: str
    types: Mapping[str, Any]
    unusable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The schema of all files, and the Arrow type that each column was given."""

    schema: Schema
    types: Mapping[str, Any]


def agree(claims: Sequence[Claim], levels: Mapping[str, tuple[Level, ...]] | None = None) -> Agreement:
    """The columns of all files in the order of the first; a disagreement is kept until the column is used.

    Integers widen to float, nulls to anything; every other difference is a conflict that lists the files.
    """
    names = list(dict.fromkeys(name for claim in claims for name in claim.types))
    columns = [_agree_on(name, claims, (levels or {}).get(name)) for name in names]
    return Agreement(Schema(tuple(f for f, _ in columns)), {f.name: kind for f, kind in columns})


def duplicates(names: Iterable[str]) -> dict[str, str]:
    """Why names that occur twice cannot be used."""
    seen: set[str] = set()
    again = [n for n in names if n in seen or seen.add(n)]  # type: ignore[func-returns-value]
    return {name: f"column '{name}' occurs more than once; rename one of them" for name in again}


def _agree_on(name: str, claims: Sequence[Claim], levels: tuple[Level, ...] | None) -> tuple[Field, Any]:
    kinds: dict[Any, list[str]] = {}
    for claim in claims:
        kinds.setdefault(claim.types.get(name), []).append(claim.where)
    known = [kind for kind in kinds if kind is not None]
    agreed = widest(known)
    conflict = _unusable(name, claims) or _missing(name, kinds)
    if agreed is None:
        conflict = conflict or _differing(name, kinds)
    kind = Kind.OTHER if agreed is None else kind_of(agreed)
    return Field(name, kind, _spelled(agreed, known), levels, conflict), agreed


def widest(kinds: Sequence[Any]) -> Any:
    """The type that holds all of these, None where they do not agree."""
    known = [kind for kind in kinds if family(kind) != "null"] or list(kinds[:1])
    families = {family(kind) for kind in known}
    if families == {"integer", "decimal"}:
        families = {"decimal"}
        known = [kind for kind in known if family(kind) == "decimal"]
    if families == NUMBERS:
        known = [kind for kind in known if family(kind) == "float"]
    elif len(families) != 1:
        return None
    return max(known, key=lambda kind: (getattr(kind, "bit_width", 0) if families <= NUMBERS else 0, str(kind)))


def _spelled(agreed: Any, known: Sequence[Any]) -> str:
    if agreed is None:
        return " or ".join(sorted(map(str, known)))
    families = {family(kind) for kind in known}
    return "double" if families >= NUMBERS else str(agreed)


def _unusable(name: str, claims: Sequence[Claim]) -> str | None:
    reasons: dict[str, list[str]] = {}
    for claim in claims:
        if name in claim.unusable:
            reasons.setdefault(claim.unusable[name], []).append(claim.where)
    return next((f"{listing(files, 5)}: {why}" for why, files in reasons.items()), None)


def _missing(name: str, kinds: Mapping[Any, list[str]]) -> str | None:
    if None not in kinds:
        return None
    there = [where for kind, files in kinds.items() if kind is not None for where in files]
    return (
        f"column '{name}' is in {listing(there, 5)} but not in {listing(kinds[None], 5)}; "
        "read only the files that have it, or write it (null where unknown) to all of them"
    )


def _differing(name: str, kinds: Mapping[Any, list[str]]) -> str:
    sides = [f"{_described(kind)} in {listing(files, 5)}" for kind, files in kinds.items() if kind is not None]
    return f"column '{name}' is {' but '.join(sides)}; write it with one type to all files"


def _described(kind: Any) -> str:
    known = family(kind)
    return known if known == str(kind) else f"{known} ({kind})"
