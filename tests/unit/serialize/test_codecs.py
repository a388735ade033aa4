"""One declaration writes a record and reads it; what does not fit is a ValueError that says what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import pytest

from gramian.serialize.codec import chained, joined, rule, sequence, tagged
from gramian.serialize.record import at, derived, fixed, record, row
from gramian.serialize.values import COUNT, LEVEL, TEXT, TEXTS, array, codes, each, finite, integer, keyed, known
from gramian.testing import same_bits
from gramian.typing import Distinct, Finite, Level, Mask, Matrix, NotNegative, Positive, RowCounts, Size, Vector


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
    "~note",
    at("tables[]", lambda read: each({name: finite(f"table/{name}", None) for name in read.inner.counts})),
    check,
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


def test_derived_fields_are_not_written_and_rules_hold() -> None:
    counts = derived("counts", lambda read: {read.name: len(read.name)})
    short = rule(lambda inner: len(inner.name) < 3, "less than {0.name}", "name")
    codec = joined(record(Inner, "name", counts, short), "times", COUNT)
    content, pair = {"name": "ab", "times": 4}, (Inner("ab", {"ab": 2}), 4)
    assert codec.dump(pair) == (content, {})
    assert codec.load(content, {}, "a pair") == pair
    for bad, message in (
        ({**content, "name": "abc"}, "less than abc, found 'abc'"),
        ({"name": "ab"}, "an object with times"),
        ({**content, "times": -1}, "a whole number"),
        ({**content, "more": 1}, "an object of name"),
    ):
        with pytest.raises(ValueError, match=message):
            codec.load(bad, {}, "a pair")


@pytest.mark.parametrize(
    ("value", "overflows", "passes"), [(np.nan, True, False), (np.inf, True, True), (np.inf, False, False)]
)
def test_numbers_are_known_where_the_mask_says_so(value: float, overflows: bool, passes: bool) -> None:
    check = known("inverse roots", lambda result: result.identified, overflow=overflows)
    unknown = replace(X, inverse=np.diag([np.nan, 1.0, 1.0, 1.0]), identified=np.arange(4) > 0)
    check(unknown)
    for changed in ({"roots": np.array([np.nan, value, 1.0, 1.0])}, {"inverse": np.diag([1.0, value, 1.0, 1.0])}):
        with nullcontext() if passes else pytest.raises(ValueError, match=r"numbers in '(roots|inverse)'"):
            check(replace(unknown, **changed))


def test_a_record_without_a_field_that_its_class_needs() -> None:
    with pytest.raises(TypeError, match="no field for counts of"):
        record(Inner, "name")


def test_types_that_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="a level of type complex cannot be saved"):
        LEVEL.dump(1j)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an atom of type int cannot be saved"):
        tagged("an atom", {"n": TEXT.alone()}).dump(3)
    with pytest.raises(TypeError, match="no codec for"):
        record(Result, "inner")
    assert integer(0, 5).dump(np.int64(3)) == (3, {})  # type: ignore[arg-type]


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Options:
    tier: Annotated[str, ("fast", "exact")]
    power: Annotated[int, range(-2, 3)]
    counts: tuple[Size, ...]
    shift: Finite
    tolerance: NotNegative | None
    scale: Positive
    names: Annotated[tuple[str, ...], Distinct("names that differ")]
    colour: Colour


OPTIONS = record(Options, "tier power counts shift tolerance scale names colour")
GOOD = Options("fast", -2, (0, 2**31 - 1), -1e308, None, 5e-324, ("a", "b"), Colour.RED)


def test_values_that_a_type_hint_allows() -> None:
    content, _ = OPTIONS.dump(GOOD)
    assert OPTIONS.load(json.loads(json.dumps(content)), {}, "options") == GOOD
    assert OPTIONS.load({**content, "tolerance": 0.0, "shift": 0.5}, {}, "options").tolerance == 0.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tier": "slow"}, "one of fast, exact"),
        ({"tier": 1}, "a text"),
        ({"power": 3}, "a whole number from -2 up to 2"),
        ({"power": -3}, "a whole number from -2 up to 2"),
        ({"power": True}, "a whole number"),
        ({"counts": [0, 2**31]}, "up to 2147483647"),
        ({"counts": [-1]}, "a whole number from 0"),
        ({"shift": "inf"}, "a finite number"),
        ({"shift": "-inf"}, "a finite number"),
        ({"shift": "nan"}, "a finite number"),
        ({"tolerance": -1e-300}, "a finite number that is not negative"),
        ({"tolerance": "inf"}, "a finite number that is not negative"),
        ({"tolerance": "nan"}, "a finite number that is not negative"),
        ({"scale": 0.0}, "a finite number above zero"),
        ({"scale": "inf"}, "a finite number above zero"),
        ({"names": ["a", "a"]}, "names that differ"),
        ({"colour": "blue"}, "not a valid Colour"),
        ({"colour": 1}, "a text"),
    ],
)
def test_values_that_a_type_hint_does_not_allow(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        OPTIONS.load({**OPTIONS.dump(GOOD)[0], **change}, {}, "options")


@dataclass(frozen=True)
class Part:
    mean: Vector
    low: Vector | None = None
    root: Vector | None = None


@dataclass(frozen=True)
class Nested:
    part: Part
    other: Part
    sums: Mapping[str, Vector]


PART = record(Part, "low[p] ~root[p]? mean[p]")
SUMS = keyed(TEXTS, lambda i, key: finite(f"sums/{i}", None).checked(len, f"sums of {key}"))
NESTED = record(Nested, "part/ other/mean[2]=other.mean", at("sums", SUMS), types=[PART])


def test_optional_arrays_prefixes_and_arrays_by_key() -> None:
    value = Nested(Part(np.ones(3), np.zeros(3)), Part(np.zeros(2)), {"a": np.ones(1), "b": np.ones(2)})
    content, arrays = NESTED.dump(value)
    assert content == {"part": {"low": True}, "sums": ["a", "b"]}
    assert list(arrays) == ["part/low", "part/mean", "other/mean", "sums/0", "sums/1"]
    assert same_bits(NESTED.load(content, arrays, "parts"), value)
    for change, expected in (
        ({"part": {"low": False}}, "no arrays but those of parts"),
        ({"part": {"low": 1}}, "true or false"),
        ({"part": {"low": True, "root": True}}, "an array 'part/root'"),
        ({"sums": ["a", "a"]}, "no arrays but those of parts"),
        ({"sums": ["a"]}, "no arrays but those of parts"),
        ({"sums": "a"}, "a list"),
    ):
        with pytest.raises(ValueError, match=expected):
            NESTED.load(content | change, arrays, "parts")
    for name, array_, expected in (
        ("part/low", np.zeros(2), r"'part/mean' of float64 and shape \(2,\)"),
        ("part/low", np.full(3, np.nan), "finite numbers in 'low'"),
        ("other/mean", np.zeros(3), r"'other/mean' of float64 and shape \(2,\)"),
        ("sums/1", np.zeros(0), "sums of b"),
    ):
        with pytest.raises(ValueError, match=expected):
            NESTED.load(content, {**arrays, name: array_}, "parts")


def test_a_list_that_begins_with_an_item_of_another_codec() -> None:
    pair = chained(COUNT, sequence(LEVEL, 2))
    assert pair.dump((3, ("a", 1.0))) == ([3, "a", {"float": 1.0}], {})
    assert pair.load([3, "a", {"float": 1.0}], {}, "a pair") == (3, ("a", 1.0))
    for content, expected in (
        ([], "a list of some items"),
        (None, "a list"),
        ([3, "a"], "a list of 2"),
        (["a", 1, 2], "whole"),
    ):
        with pytest.raises(ValueError, match=expected):
            pair.load(content, {}, "a pair")


@dataclass(frozen=True)
class Outer:
    inner: Inner


def test_parts_that_are_made_by_a_function() -> None:
    outer = record(Outer, "title=inner.name", makers={Inner: lambda name: Inner(name, {name: 1})})
    assert outer.dump(Outer(Inner("a", {}))) == ({"title": "a"}, {})
    assert outer.load({"title": "a"}, {}, "a part") == Outer(Inner("a", {"a": 1}))


@dataclass(frozen=True)
class Sized:
    inner: Inner
    parts: tuple[tuple[int, ...], ...]
    counts: RowCounts
    products: Matrix


SIZED = record(
    Sized,
    "inner[k=counts]",
    at("parts", sequence(sequence(COUNT).along("c"))),
    "counts[c] products[k+1,k+1]",
    types=[record(Inner)],
)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"inner": Inner("a", {"b": 1})}, r"shape \(2, 2\)"),
        ({"parts": ((1, 2), (3,))}, "2 along 'c'"),
        ({"counts": np.array([1.0, 0.0])}, "numbers of rows above zero in 'counts'"),
        ({"counts": np.ones(3)}, r"'counts' of float64 and shape \(2,\)"),
        ({"products": np.ones((3, 2))}, r"shape \(3, 3\)"),
    ],
)
def test_lengths_follow_from_each_other(changed: dict[str, Any], message: str) -> None:
    good = Sized(Inner("a", {"b": 1, "c": 2}), ((1, 2), (3, 4)), np.array([1.0, 2.0]), np.ones((3, 3)))
    assert same_bits(SIZED.load(*SIZED.dump(good), "a value"), good)
    with pytest.raises(ValueError, match=message):
        SIZED.load(*SIZED.dump(replace(good, **changed)), "a value")


def test_square_arrays_of_unknown_size() -> None:
    codec = array("a", "float64", "k", "k")
    with pytest.raises(ValueError, match="2 along 'k'"):
        codec.load(None, {"a": np.ones((2, 3))}, "a square")
