"""Conditions on rows: against pandas, missing values as in SQL, and what is refused."""

from __future__ import annotations

import pickle
import re
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.data.condition import Condition
from gramian.data.source import source_of
from gramian.errors import ColumnError, OptionError, SchemaError

RNG = np.random.default_rng(0)
D = pd.DataFrame(
    {
        "x": np.arange(300.0) - 150,
        "k": np.arange(300),
        "c": pd.Categorical(RNG.choice(list("abc"), 300)),
        "s": RNG.choice(["one", "two"], 300),
        "b": RNG.random(300) < 0.5,
        "t": pd.date_range("2013-01-01", periods=300),
        "two words": RNG.normal(size=300),
        "x.1": RNG.normal(size=300),
    }
)


def chosen(data: Any, where: str) -> list[int]:
    """The numbers of the rows that are selected."""
    return [int(i) for u in source_of(data, where).units for b in u.batches(["k"]) for i in b.numbers("k").values]


@pytest.mark.parametrize(
    ("where", "mask"),
    [
        ("x > 0", D.x > 0),
        ("x > 0 & c == 'a'", (D.x > 0) & (D.c == "a")),
        ('x > 0 && c == "a" || k < 3', ((D.x > 0) & (D.c == "a")) | (D.k < 3)),
        ("!(x > 0) | c %in% c('a', 'b')", ~(D.x > 0) | D.c.isin(["a", "b"])),
        ("-3 < x <= 12", (D.x > -3) & (D.x <= 12)),
        ("c != 'a' & !b", (D.c != "a") & ~D.b),
        ("b == TRUE", D.b),
        ("k in (1, 2, 300)", D.k.isin([1, 2])),
        ("k not in [1, 2]", ~D.k.isin([1, 2])),
        ("`two words` + 1 > `x.1`^2 / 2", D["two words"] + 1 > D["x.1"] ** 2 / 2),
        ("t >= '2013-05-01' & month(t) != 6", (D.t >= "2013-05-01") & (D.t.dt.month != 6)),
        ("s == 'two' & abs(x) < 20", (D.s == "two") & (D.x.abs() < 20)),
        ("0 < x", D.x > 0),
        ("k / 7 == floor(k / 7)", D.k % 7 == 0),
        ("upper(s) == 'ONE'", D.s == "one"),
    ],
)
def test_rows_are_those_of_pandas(where: str, mask: Any) -> None:
    expected = D.k[mask].tolist()
    assert chosen(D, where) == expected
    assert chosen(pa.Table.from_pandas(D), where) == expected
    assert chosen(D.drop(columns="c").assign(c=D.c.astype(str)), where) == expected


def test_a_missing_value_is_neither_true_nor_false() -> None:
    data = pa.table({"k": [0, 1, 2, 3], "x": [1.0, None, float("nan"), -1.0], "s": ["a", None, "b", "a"]})
    assert chosen(data, "x > 0") == [0]
    assert chosen(data, "!(x > 0)") == [3]
    assert chosen(data, "x != 1") == [3]
    assert chosen(data, "x > 0 | s == 'b'") == [0, 2]
    assert chosen(data, "is_null(x)") == [1, 2]
    assert chosen({"k": np.arange(2), "x": np.array([np.nan, 1.0])}, "x != 0") == [1]


def test_decimals_and_large_integers() -> None:
    data = pa.table({"k": [0, 1], "d": pa.array([1, 2]).cast(pa.decimal128(21, 2)), "i": [2**62, 2**62 + 1]})
    assert chosen(data, "d > 1.5") == [1]
    assert chosen(data, "i * 4 > 0") == [0, 1]  # no overflow


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("", "where must be a condition"),
        ("x", "is not true or false, but double"),
        ("TRUE", "names no column"),
        ("1 < 2", "names no column"),
        ("k" + " + k" * 2400 + " > 0", "is nested too deeply"),
        ("-" * 200 + "k > 0", "is nested too deeply"),
        ("x > 0 &", "is no condition"),
        ("import os", "is no condition"),
        ("__import__('os')", "there is no function '__import__'"),
        ("s.upper() == 'A'", "more than comparisons"),
        ("(lambda: x)()", "more than comparisons"),
        ("[x for x in y]", "more than comparisons"),
        ("sqr(x) > 1", "there is no function 'sqr'; did you mean 'sqrt'"),
        ("x" * 20_000, "where must be a condition"),
        ("(" * 500 + "x > 0" + ")" * 500, "is no condition"),
    ],
)
def test_what_is_no_condition(where: str, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        chosen(D, where)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("c > 3", "text is compared with 3; text stands in quotes"),
        ("x == 'a'", "double is compared with 'a'"),
        ("t > 'abc'", "is compared with 'abc'"),
        ("x & k > 0", "'x' is not true or false"),
        ("x in k", "behind 'in' stands a list of values"),
        ("log(s) > 0", "cannot be computed of text"),
        ("x is 3", "'is' compares nothing"),
    ],
)
def test_comparisons_that_make_no_sense(where: str, message: str) -> None:
    with pytest.raises(SchemaError, match=re.escape(message)):
        chosen(D, where)


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ColumnError, match="no column 'xx'"):
        source_of(D, "xx > 0")


def test_a_condition_is_sent_as_its_text() -> None:
    condition = pickle.loads(pickle.dumps(Condition("x > 0 & `two words` < 1")))
    assert condition == Condition("x > 0 & `two words` < 1")
    assert condition.columns == ("x", "two words")


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_an_option_error(text: str) -> None:
    with suppress(OptionError):
        Condition(text)
