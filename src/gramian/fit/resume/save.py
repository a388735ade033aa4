"""Codecs of checkpoints: passes with the partial sums that each has so far."""

from __future__ import annotations

from gramian.fit.glm.accumulate import Linearized, Totals
from gramian.fit.glm.separation import LargestMoves
from gramian.fit.leastsquares.residuals import ResidualSums
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_exact import ExactAccumulated
from gramian.fit.resume.checkpoint import SavedPass
from gramian.fit.vcov.hc import Meat
from gramian.serialize.codec import Codec, chained, numbered, require, sequence, tagged
from gramian.serialize.design import DROPPED_ROWS
from gramian.serialize.exact_moments import exact_moments
from gramian.serialize.moments import LAYOUT, MOMENTS, SORTED_LEVELS
from gramian.serialize.record import at, record, row
from gramian.serialize.values import integer

PAIRS = "products/hi[n]=products.hi products/lo[n]=products.lo square/hi[1]=square.hi square/lo[1]=square.lo"
TYPES = [MOMENTS, DROPPED_ROWS, row(Totals), row(LargestMoves)]
EXACT = record(
    ExactAccumulated,
    at("layout", LAYOUT, of=lambda partial: partial.moments.layout),
    at("levels", SORTED_LEVELS, of=lambda partial: partial.moments.levels),
    at("moments", lambda read: exact_moments(read.layout, read.layout.variables, read.levels)),
    "dropped_rows",
    make=lambda moments, dropped_rows, **_: ExactAccumulated(moments, dropped_rows),
    types=TYPES,
)
KINDS = {
    "accumulated": record(Accumulated, types=TYPES).alone(),
    "exact": EXACT.alone(),
    "meat": record(Meat, types=TYPES).alone(),
    "residuals": record(ResidualSums, "rows", PAIRS, "grid[n]").alone(),
    "linearized": record(Linearized, types=TYPES).alone(),
}
LEVEL_OF_TREE, PARTIAL = integer(0, 64), tagged("a kind of partial", KINDS)
PART = chained(LEVEL_OF_TREE, PARTIAL)


def can_be_saved(partial: object) -> bool:
    """Whether there is a codec of partial sums of this type."""
    return any(type(partial) is codec.kind for codec in KINDS.values())


def _check_pass(one: SavedPass) -> None:
    levels = [level for level, _ in one.parts]
    in_order = levels == sorted(set(levels), reverse=True)
    require(in_order and (not one.finished or len(levels) == 1), "the partials of a tree", levels)


def _pass(i: int) -> Codec[SavedPass]:
    return record(SavedPass, "task whole=finished", at("parts", numbered(f"{i}/", PART)), check=_check_pass)


PASSES: Codec[tuple[SavedPass, ...]] = sequence(_pass)
