"""Codecs of checkpoints: passes with the partial sums that each has so far."""

from __future__ import annotations

from itertools import pairwise

from gramian.fit.glm.accumulate import Linearized, Totals
from gramian.fit.glm.separation import LargestMoves
from gramian.fit.leastsquares.residuals import ResidualSums
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_exact import ExactAccumulated
from gramian.fit.resume.checkpoint import SavedPass
from gramian.fit.vcov.hc import Meat
from gramian.serialize.codec import Codec, chained, numbered, rule, sequence, tagged
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
PART = chained(integer(0, 64), tagged("a kind of partial", KINDS))  # with its level of the tree
TREE = rule(
    lambda p: all(a > b for (a, _), (b, _) in pairwise(p.parts)) and (not p.finished or len(p.parts) == 1),
    "the partials of a tree",
    "task",
)
PASSES: Codec[tuple[SavedPass, ...]] = sequence(
    lambda i: record(SavedPass, "task whole=finished", at("parts", numbered(f"{i}/", PART)), TREE)
)
