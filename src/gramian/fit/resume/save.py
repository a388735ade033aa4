"""Codecs of checkpoints: passes with the partial sums that each has so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramian.fit.glm.accumulate import Linearized, Totals
from gramian.fit.glm.separation import LargestMoves
from gramian.fit.leastsquares.residuals import ResidualSums
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_exact import ExactAccumulated
from gramian.fit.resume.checkpoint import SavedPass
from gramian.fit.vcov.hc import Meat
from gramian.linalg.doubledouble import Pair
from gramian.serialize.codec import Codec, Members, items_of, require, sequence, tagged
from gramian.serialize.design import DROPPED_ROWS
from gramian.serialize.exact_moments import exact_moments
from gramian.serialize.moments import LAYOUT, MOMENTS, SORTED_LEVELS
from gramian.serialize.record import at, record, row
from gramian.serialize.values import Axis, finite, integer


def _exact(read: Any) -> Codec[Any]:
    monomials = [*read.layout.rows, *(m for _, table in read.layout.tables for m in table)]
    return exact_moments(read.layout, {v for m in monomials for v, _ in m}, read.levels)


def _pair(axis: Axis) -> Codec[Pair]:
    return record(Pair, at("hi[]", finite("hi", axis)), at("lo[]", finite("lo", axis)))


TALLY = at("tally=dropped_rows", DROPPED_ROWS)
ACCUMULATED = record(Accumulated, at("moments", MOMENTS), TALLY)
EXACT = record(
    ExactAccumulated,
    at("layout", LAYOUT, of=lambda partial: partial.moments.layout),
    at("levels", SORTED_LEVELS, of=lambda partial: partial.moments.levels),
    at("moments", _exact),
    TALLY,
    make=lambda moments, dropped_rows, **_: ExactAccumulated(moments, dropped_rows),
    order="moments tally layout levels",
)
MEAT = record(Meat, at("moments", MOMENTS), "rows loss full=full_leverage")
PRODUCTS = at("products[]", _pair("n").under("products/"))
RESIDUALS = record(ResidualSums, "rows", PRODUCTS, at("square[]", _pair(1).under("square/")), "grid[n]")
TOTALS = at("totals", row(Totals, " ".join(Totals._fields)))
MOVES = at("sides=moves", sequence(row(LargestMoves, "wrong right")))
LINEARIZED = record(Linearized, at("moments", MOMENTS), TALLY, TOTALS, MOVES)

KINDS: Mapping[str, tuple[type[Any], Codec[Any]]] = {
    "accumulated": (Accumulated, ACCUMULATED.alone()),
    "exact": (ExactAccumulated, EXACT.alone()),
    "meat": (Meat, MEAT.alone()),
    "residuals": (ResidualSums, RESIDUALS.alone()),
    "linearized": (Linearized, LINEARIZED.alone()),
}
LEVEL_OF_TREE, PARTIAL = integer(0, 64), tagged("a kind of partial", KINDS)


def _write_part(part: tuple[int, Any], members: Members) -> list[Any]:
    level, partial = part
    return [level, *PARTIAL.write(partial, members)]


def _read_part(obj: object, members: Members) -> tuple[int, Any]:
    level, *partial = items_of(obj, 3)
    return LEVEL_OF_TREE.read(level, members), PARTIAL.read(partial, members)


def can_be_saved(partial: object) -> bool:
    """Whether there is a codec of partial sums of this type."""
    return any(type(partial) is kind for kind, _ in KINDS.values())


def _check_pass(one: SavedPass) -> None:
    levels = [level for level, _ in one.parts]
    in_order = levels == sorted(set(levels), reverse=True)
    require(in_order and (not one.finished or len(levels) == 1), "the partials of a tree", levels)


def _pass(i: int) -> Codec[SavedPass]:
    parts = sequence(lambda j: Codec(_write_part, _read_part).under(f"{i}/{j}/"))
    return record(SavedPass, "task whole=finished", at("parts", parts), check=_check_pass)


PASSES: Codec[tuple[SavedPass, ...]] = sequence(_pass)
