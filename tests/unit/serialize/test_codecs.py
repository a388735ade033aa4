"""One declaration writes a record and reads it; what does not fit is a ValueError that says what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from gramian.serialize.codec import sequence, tagged
from gramian.serialize.record import at, fixed, record, row
from gramian.serialize.values import LEVEL, array, codes, each, finite, integer
from gramian.testing import same_bits
from gramian.typing import Level, Mask, Matrix, Vector


@dataclass(frozen=True)
class Inner:
    name: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Result:
    formula: str
    inner: Inner
    alpha: float | None
    levels: tuple[Level, ...]
    pairs: tuple[tuple[str, bool], ...]
    coefficients: Vector
    inverse: Matrix
    identified: Mask
    roots: Vector | None = None
    note: str | None = None
    tables: Mapping[str, Any] = field(default_factory=dict)


def check(result: Result) -> None:
    if len(result.levels) != len(result.coefficients):
        raise ValueError("expected a level for each coefficient")


RESULT = record(
    Result,
    "formula title=inner.name counts=inner.counts alpha levels pairs",
    "coefficients[p] inverse[p,p] identified[p]",
    at("roots", array("roots", "float64", "p").present()),
    at("note", absent=None),
    at("tables[]", lambda read: each({name: finite(f"table/{name}", None) for name in read.inner.counts})),
    check=check,
)
TABLES = {"a": np.arange(3.0), "b": np.zeros(0)}
X = Result(
    "y ~ x", Inner("t", {"a": 1, "b": 0}), None, (1, 1.0, True, "1"), (("u", False),), np.arange(4.0), np.eye(4),
    np.ones(4, np.bool_), tables=TABLES,
)  # fmt: skip


def test_what_was_written_is_read() -> None:
    for value in (X, Result(**{**vars(X), "roots": np.ones(4), "note": "n", "alpha": float("inf")})):
        content, arrays = RESULT.dump(value)
        assert same_bits(RESULT.load(json.loads(json.dumps(content, allow_nan=False)), arrays, "a result"), value)


def test_keys_and_arrays_stand_in_the_order_of_the_declaration() -> None:
    content, arrays = RESULT.dump(X)
    assert list(content) == ["formula", "title", "counts", "alpha", "levels", "pairs", "roots"]
    assert list(arrays) == ["coefficients", "inverse", "identified", "table/a", "table/b"]
    assert (content["levels"], content["roots"]) == ([1, {"float": 1.0}, True, "1"], False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"formula": 1}, "a text"),
        ({"counts": {"a": -1}}, "a whole number from 0"),
        ({"counts": {"a": True}}, "a whole number from 0"),
        ({"alpha": "big"}, "a number"),
        ({"levels": [None] * 4}, "a level"),
        ({"levels": ["a"]}, "a level for each"),
        ({"pairs": [["u"]]}, "a list of 2"),
        ({"roots": True}, "an array 'roots'"),
        ({"roots": 1}, "true or false"),
        ({"other": 1}, "an object of formula, title"),
    ],
)
def test_values_that_do_not_fit(change: dict[str, Any], expected: str) -> None:
    content, arrays = RESULT.dump(X)
    with pytest.raises(ValueError, match=expected):
        RESULT.load(content | change, arrays, "a result")


@pytest.mark.parametrize(
    ("name", "changed", "expected"),
    [
        ("inverse", np.eye(3), r"'inverse' of float64 and shape \(4, 4\)"),
        ("identified", np.ones(4), "'identified' of bool"),
        ("table/a", np.array([np.nan]), "finite numbers in 'table/a'"),
        ("table/c", np.zeros(1), "no arrays but those of a result"),
        ("table/b", None, "an array 'table/b'"),
    ],
)
def test_arrays_that_do_not_fit(name: str, changed: Any, expected: str) -> None:
    content, arrays = RESULT.dump(X)
    arrays = {k: a for k, a in {**arrays, name: changed}.items() if a is not None}
    with pytest.raises(ValueError, match=expected):
        RESULT.load(content, arrays, "a result")


def test_lists_prefixes_and_numbers() -> None:
    part = row(Inner, fixed("counts", {}), "name")
    parts = sequence(lambda i: codes(f"codes/{i}", 3, None).under(f"{i}/"))
    assert part.dump(Inner("n", {})) == (["n"], {})
    assert part.load(["n"], {}, "a part") == Inner("n", {})
    _, arrays = parts.dump((np.array([0, 2]), np.array([1])))
    assert list(arrays) == ["0/codes/0", "1/codes/1"]
    for content in (["n", "m"], [], {"name": "n"}):
        with pytest.raises(ValueError, match="a list"):
            part.load(content, {}, "a part")
    with pytest.raises(ValueError, match="codes below 3"):
        parts.load([None], {"0/codes/0": np.array([3])}, "parts")


def test_types_that_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="a level of type complex cannot be saved"):
        LEVEL.dump(1j)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an atom of type int cannot be saved"):
        tagged("an atom", {"n": (str, sequence(LEVEL))}).dump(3)
    with pytest.raises(TypeError, match="no codec for"):
        record(Result, "inner")
    assert integer(0, 5).dump(np.int64(3)) == (3, {})  # type: ignore[arg-type]
