"""Decimals are what they say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.linalg.exact.rational import PLAIN

from gramian.batch import Batch
from gramian.data.source import source_of
from gramian.errors import DataError
from gramian.fit.leastsquares.exact_system import exact_linear
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.job import design_for
from gramian.fit.passes.options import Options
from gramian.linalg.exact.accumulator import ExactAccumulator
from gramian.linalg.exact.decimals import parse


@given(st.lists(st.decimals(-(10**30), 10**30, places=7), max_size=8))
def test_texts_become_whole_numbers(values: list) -> None:  # type: ignore[type-arg]
    found = parse([str(v) for v in values])
    assert [Fraction(int(w), 10**found.places) for w in found.integers] == [Fraction(v) for v in values]
    assert found.present is None


def test_spellings() -> None:
    found = parse(["1", "-0.50", ".5", "3.", "+1.5e-3", "12E2", " 7 ", "-.25", None, "", "NaN"])
    assert [Fraction(int(w), 10**found.places) for w in found.integers[:8]] == [
        Fraction(t) for t in ("1", "-1/2", "1/2", "3", "3/2000", "1200", "7", "-1/4")
    ]
    assert found.present is not None
    assert found.present.tolist() == [True] * 8 + [False] * 3


@pytest.mark.parametrize("text", ["x", "1.2.3", "1_000", "inf", "--1", "1e", ".", "1.-2", "1e999999999", "0x10"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (not a decimal number|beyond the range)"):
        parse(["1.0", text])


def test_places_may_differ_between_batches() -> None:
    texts = [["0.1", "2"], ["0.25", "1e-9"], ["3", "4"], ["0.125", "-7.5"]]
    accumulator = ExactAccumulator(PLAIN)
    for pair in texts:
        found = parse(pair)
        values = {"x": found.integers, "z": np.ones(2), "~y": found.integers}
        accumulator.add(values, {}, {}, scale={"x": found.places, "~y": found.places})
    moments = accumulator.finish({})
    exact = [Fraction(t) for pair in texts for t in pair]
    tens = Fraction(10) ** moments.scale["x"]
    assert moments.dense.fraction(1, 1) / tens**2 == sum(v * v for v in exact)
    assert moments.dense.fraction(0, 1) / tens == sum(exact)
    assert moments.outcome(0) == sum(exact)
    assert moments.outcome(1) == sum(v * v for v in exact)


def test_decimals_from_one_end_to_the_other() -> None:
    texts = ["1e-300", "1e300", "-2.5", "0", "1e-5", "12345678901234567890.5"] * 3
    found = parse(texts)
    accumulator = ExactAccumulator(PLAIN)
    accumulator.add({"x": found.integers, "z": np.ones(18), "~y": np.ones(18)}, {}, {}, scale={"x": found.places})
    moments = accumulator.finish({})
    assert moments.dense.fraction(1, 1) / Fraction(10) ** 600 == sum(Fraction(t) ** 2 for t in texts)


def digest(texts: list[str], scale: int = 0) -> str:
    found = parse(texts)
    accumulator = ExactAccumulator(PLAIN)
    values = {"x": found.integers * 10**scale, "z": np.ones(len(texts)), "~y": np.arange(len(texts))}
    accumulator.add(values, {}, {}, scale={"x": found.places + scale})
    return accumulator.finish({}).digest


def test_the_digest_does_not_see_how_many_places_were_told() -> None:
    assert digest(["0.10", "2.5"]) == digest(["0.1", "2.50000"]) == digest(["0.1", "2.5"], 4)
    assert digest(["0.10", "2.5"]) != digest(["0.10", "2.6"])
    floats = ExactAccumulator(PLAIN)
    floats.add({"x": np.array([0.5, 2.25]), "z": np.ones(2), "~y": np.arange(2)}, {}, {})
    assert floats.finish({}).digest == digest(["0.5", "2.25"])


COLUMNS = {"x": ["0.1", "0.2", "0.3", None, "0.7"], "y": ["1.1", "1.2", "1.3", "9.9", "1.7"]}
TYPES = {
    "text": pa.string(),
    "large text": pa.large_string(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "decimal128": pa.decimal128(12, 4),
    "decimal256": pa.decimal256(50, 20),
}


@pytest.mark.parametrize("kind", TYPES)
def test_columns_of_every_type_are_read_as_decimals(kind: str) -> None:
    arrays = {name: pa.array(texts).cast(TYPES[kind]) for name, texts in COLUMNS.items()}
    design = design_for("y ~ x", source_of({"x": np.zeros(1), "y": np.zeros(1)}).schema, Options())
    done = AccumulateExact(design, decimal=True).accumulate([Batch(5, arrays)])
    fit = exact_linear(design, done.moments)
    assert fit.coefficients.tolist() == [1.0, 1.0]  # y = 1 + x in decimals, not in float64
    assert (fit.rss, fit.rows, done.dropped_rows.total) == (0.0, 4, 1)


def test_a_wrong_text_is_told_with_its_column() -> None:
    design = design_for("y ~ x", source_of({"x": np.zeros(1), "y": np.zeros(1)}).schema, Options())
    batch = Batch(2, {"x": pa.array(["1.5", "one"]), "y": pa.array(["1", "2"])}, where="data.csv")
    with pytest.raises(DataError, match=r"data\.csv: column 'x': 'one' is not a decimal number"):
        AccumulateExact(design, decimal=True).accumulate([batch])


def test_integers_beyond_float64_are_exact() -> None:
    x = np.array([2**62 + 1, 2**62 + 2, 2**62 + 4, -(2**63)])
    design = design_for("y ~ x", source_of({"x": np.zeros(1), "y": np.zeros(1)}).schema, Options())
    moments = AccumulateExact(design).accumulate([Batch(4, {"x": x, "y": np.arange(4.0)})]).moments
    arrow = AccumulateExact(design).accumulate([Batch(4, {"x": pa.array(x), "y": pa.array(np.arange(4.0))})]).moments
    place = moments.layout.rows.index((("x", 1),))
    assert moments.dense.fraction(place, place) == sum(int(v) ** 2 for v in x)
    assert arrow.digest == moments.digest
