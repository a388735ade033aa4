"""What is told of absorbed factors as plain JSON with arrays, and back."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.formula.design import Design
from gramian.serialize import values as plain
from gramian.serialize.design import MAX_SIZE, Arrays, read_array

ABSORBED = ("singletons", "rank", "exact", "tss", "joined")


def absorbed_to_json(absorbed: Absorbed | None) -> tuple[dict[str, object] | None, dict[str, NDArray[Any]]]:
    """Facts, and the effects of every factor's levels; the levels are those of the design."""
    if absorbed is None:
        return None, {}
    values = (
        list(absorbed.singletons.values()),
        absorbed.rank,
        absorbed.exact,
        plain.number_to_json(absorbed.tss),
        absorbed.connected,
    )
    effects = {f"effects/{i}": effect for i, effect in enumerate(absorbed.effects[f] for f in absorbed.levels)}
    return dict(zip(ABSORBED, values, strict=True)), effects


def absorbed_from_json(obj: object, design: Design, arrays: Arrays) -> Absorbed:
    """What `from_absorbed` wrote."""
    singleton_counts, rank, exact, tss, joined = plain.fields(obj, ABSORBED)
    levels = {name: len((design.levels or {})[name]) for name in design.terms.absorbed}
    singletons = [plain.integer(n, 0, MAX_SIZE) for n in plain.sequence(singleton_counts, len(levels))]
    effects = {
        name: read_array(arrays, f"effects/{i}", "float64", (size,)) for i, (name, size) in enumerate(levels.items())
    }
    return Absorbed(
        levels,
        plain.integer(rank, 0, sum(levels.values()) + 1),
        plain.flag(exact),
        dict(zip(levels, singletons, strict=True)),
        plain.number_from_json(tss),
        effects,
        plain.flag(joined),
    )
