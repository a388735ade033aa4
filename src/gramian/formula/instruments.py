"""Endogenous terms and their instruments, as the parser reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

from gramian.formula.tokens import Cursor

if TYPE_CHECKING:
    from gramian.formula.grammar import Terms


@dataclass(frozen=True, slots=True)
class Instruments:
    """Endogenous terms and the instruments that stand outside the model.

    Attributes
    ----------
    endogenous : Terms
        Terms of the model that are correlated with its errors.
    excluded : Terms
        Instruments that are no terms of the model; its other terms are instruments, too.
    position : int
        Offset of the first endogenous term in the text.
    """

    endogenous: Terms
    excluded: Terms
    position: int = field(default=0, compare=False)


def tilde_follows(cursor: Cursor) -> bool:
    """Whether the part behind this `|`, up to the next one, has a `~`: then it names instruments."""
    part = takewhile(lambda token: token.operator != "|", cursor.tokens[cursor.at + 1 :])
    return any(token.operator == "~" for token in part)


def together(
    instruments: list[Instruments], add: Callable[[tuple[tuple[bool, Terms], ...]], Terms]
) -> Instruments | None:
    """Several first stages as one: every instrument serves for every endogenous column. add : makes a sum of terms."""
    if len(instruments) < 2:
        return instruments[0] if instruments else None
    endogenous, excluded = (
        add(tuple((True, getattr(i, name)) for i in instruments)) for name in ("endogenous", "excluded")
    )
    return Instruments(endogenous, excluded, instruments[0].position)
