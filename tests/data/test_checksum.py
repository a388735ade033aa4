"""Checksums of rows: the same in any order and however they are cut, another one where a value differs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.data.checksum import RowsRead, check_same_rows, checksum, rows_read
from gramian.errors import DataError

VALUES = {
    "numbers": [1.5, -0.25, float("nan"), None, 3.0],
    "integers": pa.array([1, 2, None, 2**62, -5], pa.int64()),
    "small": pa.array([1, 2, None, 7, -5], pa.int8()),
    "logical": [True, None, False, False, True],
    "texts": ["a", "b", None, "", "a"],
    "levels": pa.array(["a", "b", None, "", "a"]).dictionary_encode(),
    "dates": [date(2024, 2, 29), None, date(1969, 1, 1), date(2024, 3, 1), date(1, 1, 1)],
    "decimals": [Decimal("1.50"), None, Decimal("-2.25"), Decimal("0.00"), Decimal("9.99")],
}


@given(st.permutations(range(5)), st.integers(0, 5))
def test_order_and_cuts_do_not_matter(order: list[int], cut: int) -> None:
    table = pa.table(VALUES)
    mixed = table.take(order)
    assert rows_read(mixed.slice(0, cut)) + rows_read(mixed.slice(cut)) == rows_read(table)
    assert RowsRead() + rows_read(mixed) == rows_read(table)


@pytest.mark.parametrize("name", VALUES)
def test_another_value_is_seen(name: str) -> None:
    column = pa.table(VALUES)[name].combine_chunks()
    pieces = [column.take(pa.array(rows)) for rows in ([0, 1, 2], [0, 1, 3], [1, 2, 3], [1, 1, 2], [0, 1], [0])]
    assert len(set(map(checksum, pieces))) == len({str(sorted(map(str, p.to_pylist()))) for p in pieces})


@given(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=6), st.integers(1, 2**20))
def test_changes_that_cancel_are_seen(values: list[int], change: int) -> None:
    other = [values[0] + change, values[1] - change, *values[2:]]
    assert (sorted(values) == sorted(other)) == (checksum(pa.array(values)) == checksum(pa.array(other)))


def test_all_forms_of_nan_are_one() -> None:
    forms = np.array([0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    assert len({checksum(pa.array(forms[i : i + 1])) for i in range(3)}) == 1


def test_rows_that_differ_are_refused() -> None:
    one, more = rows_read(pa.table({"x": [1.0, 2.0], "g": ["a", "b"]})), rows_read(pa.table({"x": [1.0, 2.0, 3.0]}))
    check_same_rows(one, rows_read(pa.table({"x": [2.0, 1.0], "z": [0, 0]})), "frame", "keep them")
    with pytest.raises(DataError, match=r"frame: found 3 rows after 2, though every pass .*: keep them"):
        check_same_rows(one, more, "frame", "keep them")
    with pytest.raises(DataError, match=r"frame: found other values in 'x', though"):
        check_same_rows(one, rows_read(pa.table({"x": [1.0, 3.0], "g": ["a", "b"]})), "frame", "keep them")
