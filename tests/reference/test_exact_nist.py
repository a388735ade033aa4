"""NIST's linear sets from exact sums: all digits that the input has, and all there are when decimals are decimals."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from functools import cache
from math import log10
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pytest

from gramian.batch import Batch
from gramian.data.source import source_of
from gramian.fit.leastsquares.exact_system import exact_linear
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.job import design_for
from gramian.fit.passes.options import Options
from gramian.linalg.exact.fit import ExactFit

FOLDER = Path(os.environ.get("GRAMIAN_NIST") or Path(__file__).parents[2] / "../shared/data/nist") / "linear"
SETS = (
    "Norris", "Pontius", "NoInt1", "NoInt2", "Filip", "Longley", "Wampler1", "Wampler2", "Wampler3", "Wampler4",
    "Wampler5",
)  # fmt: skip
ALL = 15.0  # as float64 numbers are rounded: 15.95 digits at the worst
# reached from float64: 13.2 (Wampler2, whose 0.1 is not a float64 number) and 13.8 (Pontius)
COEFFICIENTS, ERRORS = 13.0, 12.5


@cache
def certified() -> dict[str, Any]:
    path = FOLDER / "certified.json"
    if not path.exists():
        pytest.skip(f"NIST's files are not there: {path} (GRAMIAN_NIST names the folder)")
    return dict(json.loads(path.read_text()))


def fit(name: str, *, decimal: bool) -> ExactFit:
    known = certified()[name]
    path = FOLDER / known["file"]
    numbers = pc.read_csv(path)
    design = design_for(known["formula"], source_of(numbers).schema, Options())
    types = dict.fromkeys(numbers.column_names, pa.string()) if decimal else {}
    table = pc.read_csv(path, convert_options=pc.ConvertOptions(column_types=types)).combine_chunks()
    batches = [Batch(piece.num_rows, dict(zip(piece.schema.names, piece, strict=True))) for piece in table.to_batches()]
    return exact_linear(design, AccumulateExact(design, decimal=decimal).accumulate(batches).moments)


def digits(found: float, truth: str) -> float:
    exact = Fraction(truth)
    error = abs(Fraction(found) - exact)
    return 17.0 if not error else -log10(error / abs(exact)) if exact else -log10(error)


def least(found: list[float], truth: list[str]) -> float:
    return min((digits(f, t) for f, t in zip(found, truth, strict=True) if Fraction(t)), default=17.0)


@pytest.mark.parametrize("name", SETS)
def test_from_float64(name: str) -> None:
    known, found = certified()[name], fit(name, decimal=False)
    assert least(found.coefficients.tolist(), known["coefficients"]) >= COEFFICIENTS
    assert least(found.std_errors.tolist(), known["std_errors"]) >= ERRORS
    assert (found.digits == 16.0).all()  # what was lost was lost when the file was read
    assert found.rows == known["rows"]


@pytest.mark.parametrize("name", SETS)
def test_from_decimals(name: str) -> None:
    known, found = certified()[name], fit(name, decimal=True)
    assert least(found.coefficients.tolist(), known["coefficients"]) >= ALL
    assert least(found.std_errors.tolist(), known["std_errors"]) >= ALL
    assert least([found.rss], [known["rss"]]) >= ALL
    assert (found.digits == 16.0).all()
    exact = [Fraction(v) for v in known["std_errors"]]
    assert [s for s, t in zip(found.std_errors.tolist(), exact, strict=True) if not t] == [0.0] * exact.count(
        Fraction(0)
    )


@pytest.mark.parametrize("name", SETS)
def test_goodness_from_decimals(name: str) -> None:
    known, found = certified()[name], fit(name, decimal=True)
    assert digits(found.r_squared, known["r_squared"]) >= ALL
