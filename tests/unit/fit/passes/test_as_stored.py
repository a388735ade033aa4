"""Columns of any number type with missing values are read where they are, with the bits of their complete rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from gramian.column import present
from gramian.fit.passes.accumulate import LinearAccumulator

ROWS = 5_000  # no more than the first rows, from which shifts are chosen
TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "float64", "bool")


def _tables(rng: np.random.Generator) -> list[pa.Table]:
    """Chunks that begin within a byte of their bitmaps of missing values."""
    columns = {}
    for name in TYPES:
        values = rng.integers(0, 2 if name == "bool" else 100, ROWS).astype(name)
        columns[name] = pa.array(values, mask=rng.random(ROWS) < 0.03)
    columns["y"] = pa.array(rng.integers(0, 9, ROWS).astype(np.float32), mask=rng.random(ROWS) < 0.03)
    columns["w"] = pa.array(rng.random(ROWS) + 0.5)
    columns["offset"] = pa.array(rng.random(ROWS))
    table = pa.table(columns)
    return [table.slice(3, 1_001), table.slice(1_009)]


def _complete(table: pa.Table) -> pa.Table:
    complete = table.drop_null()
    return pa.table({name: np.asarray(complete[name].to_pylist(), np.float64) for name in complete.column_names})


@pytest.mark.parametrize("beside", ["", " + offset(offset)"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_columns_as_they_are_stored_have_the_bits_of_complete_rows_in_float64(beside: str, weights: str | None) -> None:
    tables = _tables(np.random.default_rng(5))
    formula = "y ~ " + " + ".join(TYPES) + beside
    floats = pa.concat_tables(map(_complete, tables))
    fit, expected = gm.ols(formula, pa.concat_tables(tables), weights=weights), gm.ols(formula, floats, weights=weights)
    assert fit.rows == expected.rows == floats.num_rows
    assert sum(fit.dropped_rows.values()) == sum(part.num_rows for part in tables) - floats.num_rows
    assert fit.coefficients.tobytes() == expected.coefficients.tobytes()
    assert fit.std_errors.tobytes() == expected.std_errors.tobytes()


def test_vectors_of_numpy_keep_their_type_and_infinite_rows_are_left_out() -> None:
    rng = np.random.default_rng(6)
    data = {
        "a": rng.random(ROWS).astype(np.float32),
        "b": rng.integers(0, 9, ROWS).astype(">i4"),
        "y": rng.random(ROWS),
    }
    data["a"][17] = np.inf
    kept = np.isfinite(data["a"])
    fit = gm.ols("y ~ a + b", data)
    expected = gm.ols("y ~ a + b", {name: values[kept].astype(np.float64) for name, values in data.items()})
    assert fit.rows == ROWS - 1
    assert np.allclose(fit.coefficients, expected.coefficients, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("formula", ["y ~ a + b + f", "y ~ a*f + factor(g)", "y ~ a + f | many"])
@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"weights": "w", "counts": "n"}])
def test_sums_beside_factors_have_the_bits_of_columns_that_are_written(
    monkeypatch: pytest.MonkeyPatch, formula: str, options: dict[str, str]
) -> None:
    rng, rows = np.random.default_rng(7), 30_000
    data = pa.table(
        {
            "y": rng.random(rows),
            "a": pa.array(np.where(np.arange(rows) == 9_000, np.nan, rng.random(rows)), mask=rng.random(rows) < 0.1),
            "b": rng.integers(0, 99, rows).astype(np.int16),
            "f": pa.array(rng.choice(list("abc"), rows), mask=rng.random(rows) < 0.1).dictionary_encode(),
            "g": rng.integers(0, 1_000, rows),
            "many": rng.integers(0, 9_000, rows),
            "w": rng.random(rows) + 0.5,
            "n": rng.integers(0, 3, rows),
        }
    )
    fit = gm.ols(formula, data, **options)
    monkeypatch.setattr(LinearAccumulator, "in_place", None)
    written = gm.ols(formula, data, **options)
    assert (fit.rows, fit.dropped_rows) == (written.rows, written.dropped_rows)
    assert fit.coefficients.tobytes() == written.coefficients.tobytes()
    assert fit.std_errors.tobytes() == written.std_errors.tobytes()
    assert fit.loglik == written.loglik


@pytest.mark.parametrize("start", range(10))
def test_rows_that_are_present_are_those_of_arrow(start: int) -> None:
    rng = np.random.default_rng(start)
    column = pa.array(rng.random(50), mask=rng.random(50) < 0.5).slice(start, 23 + start)
    mask = present(column)
    assert mask is not None
    assert mask.tolist() == column.is_valid().to_pylist()
    assert present(pa.nulls(4)).tolist() == [False] * 4  # type: ignore[union-attr]
