"""What a benchmark finds beside ratios: a table, and statements about it, each with its bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """A statement, what was found, what is wanted, and whether that holds."""

    what: str
    found: str
    wanted: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A table with a title. note : how to read it. skipped : why nothing was measured. details : for JSON."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    checks: Sequence[Check] = ()
    note: str = ""
    skipped: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def check(what: str, found: object, wanted: str, held: bool) -> Check:
    return Check(what, str(found), wanted, "pass" if held else "fail")
