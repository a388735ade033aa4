"""Levels of one factor: discovered while streaming, or frozen after the first pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.errors import DataError, listing
from gramian.typing import Codes, Level


class LevelIndex:
    """Level -> code. It grows while a unit is read; when `frozen` an unknown one is an error that names it."""

    def __init__(self, label: str, known: Sequence[Level] = (), *, frozen: bool = False) -> None:
        self.label, self.frozen = label, frozen
        self.known: dict[Level, int] = {level: i for i, level in enumerate(known)}

    def __len__(self) -> int:
        return len(self.known)

    def encode(self, codes: Codes, levels: Sequence[Level], where: str, what: str = "factor") -> Codes:
        """Codes into `levels` (-1 where absent) as codes of this index."""
        if not self.frozen:
            for level in _used(codes, levels, self.known):
                self.known.setdefault(level, len(self.known))
        place = np.array([self.known.get(level, -2) for level in levels] + [-1], np.int64)
        out = place[codes]
        if self.frozen and (out == -2).any():
            raise DataError(self._unknown(levels[int(codes[np.argmax(out == -2)])], what), where)
        return out

    def _unknown(self, level: Level, what: str) -> str:
        known = listing(str(k) for k in self.known)
        if what == "outcome":
            return f"the outcome '{self.label}' has the value '{level}' beside {known}: it must have two"
        return f"factor '{self.label}' has the level '{level}', which the fit has not seen (levels: {known})"


def _used(codes: Codes, levels: Sequence[Level], known: dict[Level, int]) -> list[Level]:
    """Levels that really occur, in the order of the dictionary; a dictionary may name levels that no row has."""
    if all(level in known for level in levels):
        return []
    seen = np.bincount(codes + 1, minlength=len(levels) + 1)[1:]
    return [level for level, n in zip(levels, seen, strict=True) if n and level is not None and level == level]
