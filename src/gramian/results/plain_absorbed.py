"""What is told of absorbed factors as plain JSON with arrays, and back."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gramian.fit.absorbed import Absorbed
from gramian.formula.design import Design
from gramian.results import plain
from gramian.results.plain_design import WIDEST, Arrays, taken

ABSORBED = ("singletons", "rank", "exact", "tss", "joined")


def from_absorbed(absorbed: Absorbed | None) -> tuple[dict[str, object] | None, dict[str, NDArray[Any]]]:
    """Facts, and the effects of every factor's levels; the levels are those of the design."""
    if absorbed is None:
        return None, {}
    values = (
        list(absorbed.singletons.values()),
        absorbed.rank,
        absorbed.exact,
        plain.from_number(absorbed.tss),
        absorbed.joined,
    )
    effects = {f"effects/{i}": effect for i, effect in enumerate(absorbed.effects[f] for f in absorbed.levels)}
    return dict(zip(ABSORBED, values, strict=True)), effects


def absorbed(obj: object, design: Design, arrays: Arrays) -> Absorbed:
    """What `from_absorbed` wrote."""
    alone, rank, exact, tss, joined = plain.fields(obj, ABSORBED)
    levels = {name: len((design.levels or {})[name]) for name in design.terms.absorbed}
    singletons = [plain.whole(n, 0, WIDEST) for n in plain.sequence(alone, len(levels))]
    effects = {name: taken(arrays, f"effects/{i}", "float64", (size,)) for i, (name, size) in enumerate(levels.items())}
    return Absorbed(
        levels,
        plain.whole(rank, 0, sum(levels.values()) + 1),
        plain.flag(exact),
        dict(zip(levels, singletons, strict=True)),
        plain.number(tss),
        effects,
        plain.flag(joined),
    )
