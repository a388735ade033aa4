"""Partial sums in a checkpoint: each kind is read with the same bits, and in the same place of the tree."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.glm.accumulate import Linearized, Totals
from gramian.fit.glm.separation import LargestMoves
from gramian.fit.leastsquares.residuals import ResidualSums
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.fit.resume.checkpoint import SavedPass
from gramian.fit.resume.save import KINDS, PASSES
from gramian.fit.vcov.hc import Meat
from gramian.linalg.doubledouble import Pair
from gramian.testing import same_bits

DATA = {"y": [1.0, 4.0, 2.0, 8.0, 5.0, 7.0], "x": [0.5, 1.5, 2.0, 3.0, 2.5, 1.0], "f": list("ababab")}


@pytest.fixture(scope="module")
def partials() -> dict[str, Any]:
    source = source_of(DATA)
    design, _ = prepare("y ~ poly(x, 2) * f", source, Options())
    done: Accumulated = Local(threads=1).fold(source, Accumulate(design))
    pair, square = Pair(np.arange(3.0), np.full(3, 2.0**-60)), Pair(np.ones(1), np.zeros(1))
    totals, moves = Totals(*map(float, range(11))), (LargestMoves(1.0, 2.0), LargestMoves())
    return {
        "accumulated": done,
        "exact": Local(threads=1).fold(source, AccumulateExact(design)),
        "meat": Meat(done.moments, 6, 1.5, 1, 0.25),
        "residuals": ResidualSums(pair, square, 6, np.array([0.0, 0.5, 2.0])),
        "linearized": Linearized(done.moments, done.dropped_rows, totals, moves),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_partial_sums_have_the_same_bits_again(kind: str, partials: dict[str, Any]) -> None:
    for parts in (((0, partials[kind]),), ((5, partials[kind]), (2, partials[kind]))):
        passes = (SavedPass("a task", parts, finished=len(parts) == 1),)
        content, arrays = PASSES.dump(passes)
        assert same_bits(PASSES.load(json.loads(json.dumps(content)), arrays, "a checkpoint"), passes)


def test_a_kind_that_nobody_knows_and_levels_out_of_order(partials: dict[str, Any]) -> None:
    part = (3, partials["residuals"])
    content, arrays = PASSES.dump((SavedPass("a task", (part,), finished=False),))
    content = json.loads(json.dumps(content))
    for changed, expected in (([3, "cake", {}], "a kind of partial"), ([64, *content[0]["parts"][0][1:]], "up to 63")):
        with pytest.raises(ValueError, match=expected):
            PASSES.load([{**content[0], "parts": [changed]}], arrays, "a checkpoint")
    content, arrays = PASSES.dump((SavedPass("a task", (part, part), finished=False),))
    with pytest.raises(ValueError, match="the partials of a tree"):
        PASSES.load(json.loads(json.dumps(content)), arrays, "a checkpoint")
