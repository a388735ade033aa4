"""Moments as JSON with arrays: the same bits again, and a ValueError for what makes no sense."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.problems import FORMULAS, tables

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.serialize.design import DROPPED_ROWS
from gramian.serialize.moments import MOMENTS
from gramian.testing import same_bits


def accumulated(formula: str, table: pa.Table) -> Accumulated:
    source = source_of(table)
    design, _ = prepare(formula, source, Options())
    return Local(threads=1).fold(source, Accumulate(design))


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=20)
@given(data=st.data())
def test_plain_moments_are_the_same_moments(formula: str, data: st.DataObject) -> None:
    done = accumulated(formula, data.draw(tables()))
    manifest, arrays = MOMENTS.dump(done.moments)
    again = MOMENTS.load(json.loads(json.dumps(manifest, allow_nan=False)), arrays, "moments")
    assert same_bits(again, done.moments)
    assert same_bits(again + done.moments, done.moments + done.moments)
    tally, _ = DROPPED_ROWS.dump(done.dropped_rows)
    assert DROPPED_ROWS.load(json.loads(json.dumps(tally)), {}, "rows left out") == done.dropped_rows


@pytest.fixture
def plain_form() -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(1)
    table = pa.table({"y": rng.normal(size=20), "x": rng.normal(size=20), "f": list("abcd") * 5, "g": [1, 2] * 10})
    manifest, arrays = MOMENTS.dump(accumulated("y ~ poly(x, 2) + f * factor(g)", table).moments)
    return json.loads(json.dumps(manifest)), {name: array.copy() for name, array in arrays.items()}


def put(*path: Any) -> Any:
    *inside, last, value = path

    def damage(manifest: Any, arrays: Any) -> None:
        part = {"manifest": manifest, "arrays": arrays}
        for key in inside:
            part = part[key]
        part[last] = value(part[last]) if callable(value) else value

    return damage


DAMAGES = {
    "expected an object of layout": lambda manifest, arrays: manifest.update(rest=1),
    "a whole number from 0": put("manifest", "rows", -1),
    "sum of log-weights to be finite": put("manifest", "log_weight", "inf"),
    "levels in order": put("manifest", "levels", "f", lambda known: known[::-1]),
    "the coordinates of all variables": put("manifest", "coordinates", lambda known: {"x": known["x"]}),
    "squares that are not negative": put("arrays", "dense", lambda d: -d),
    "finite products": put("arrays", "dense", lambda d: d * np.inf),
    "symmetric products": put("arrays", "dense", lambda d: d + np.triu(d, 1)),
    "'dense' of float64 and shape": put("arrays", "dense", lambda d: d[1:]),
    "finite numbers in 'sums/0'": put("arrays", "sums/0", lambda s: s * np.nan),
    "rows in the cells of": put("arrays", "rows/0", lambda r: r + 1),
    "cells in order": put("arrays", "cells/0", lambda c: c[::-1]),
    "codes of levels": put("arrays", "cells/0", lambda c: c + 10),
    "finite numbers in 'powers/0'": put("arrays", "powers/0", lambda p: p * np.nan),
    "no arrays but those": lambda manifest, arrays: arrays.update(other=np.ones(2)),
    "an array 'cells/1'": lambda manifest, arrays: arrays.pop("cells/1"),
    "the constant first": put("manifest", "layout", "dense", lambda known: known[::-1]),
    "tables of all factors": put("manifest", "levels", lambda known: known | {"h": ["a"]}),
}


@pytest.mark.parametrize("expected", DAMAGES)
def test_what_makes_no_sense_is_refused(plain_form: Any, expected: str) -> None:
    manifest, arrays = plain_form
    DAMAGES[expected](manifest, arrays)
    with pytest.raises(ValueError, match=expected):
        MOMENTS.load(manifest, arrays, "moments")
