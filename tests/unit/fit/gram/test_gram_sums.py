"""Grams add and subtract; they know what is in them."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.errors import AccuracyWarning, DataError, NumericalError, OptionError, SchemaError


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 300
    d = pd.DataFrame({"x": rng.normal(4, 1, n).cumsum(), "f": np.sort(rng.choice(list("abcd"), n)), "w": 1.5})
    d["y"] = 2 * d.x + rng.normal(size=n)
    return d


@pytest.fixture
def files(frame, tmp_path):
    parts = []
    for i, piece in enumerate(np.array_split(np.arange(len(frame)), 3)):
        parts.append(tmp_path / f"{i}.parquet")
        pq.write_table(pa.Table.from_pandas(frame.iloc[piece], preserve_index=False), parts[-1])
    return parts


FORMULA = "y ~ x*f + I(x^2)"


def close(a, b):
    assert a.rows == b.rows
    one, other = a.ols(digits=0), b.ols(digits=0)
    assert one.names == other.names
    # shifts of the pieces differ by many deviations of the piece: rounding of n u times amplification below 1e6
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-6, atol=1e-6 * other.std_errors.max())


def test_pieces_make_up_the_whole_whatever_the_order(frame, files):
    whole = gm.gram(FORMULA, frame)
    a, b, c = (gm.gram(FORMULA, part) for part in files)
    assert len({g.gram_data.moments.coordinates["x"] for g in (a, b, c)}) > 1
    close(a + b + c, whole)
    close(sum([c, a, b]), whole)
    close(a + (c + b), gm.gram(FORMULA, files))
    assert {r.name for r in (a + b + c).inputs} == {str(f) for f in files}


def test_levels_come_and_go(frame, files):
    a, b, c = (gm.gram(FORMULA, part) for part in files)
    total = a + b + c
    assert total.gram_data.moments.levels == {"f": ("a", "b", "c", "d")}
    left = total - a - c
    assert left.gram_data.moments.levels == b.gram_data.moments.levels
    assert left.gram_data.design.levels == b.gram_data.moments.levels
    close(left, b)
    assert left.inputs == b.inputs
    nothing = left - b
    assert (nothing.rows, nothing.inputs, nothing.gram_data.moments.levels) == (0, (), {"f": ()})
    assert not nothing.gram_data.moments.dense.any()
    close(nothing + b, b)


def test_terms_in_another_order_are_aligned_by_name(frame):
    first, rest = frame[:120], frame[120:]
    total = gm.gram("y ~ x*f + I(x^2)", first) + gm.gram("y ~ I(x^2) + f*x", rest)
    assert total.formula == "y ~ x*f + I(x^2)"
    close(total, gm.gram(FORMULA, frame))


def test_files_are_known_by_path(files, tmp_path, monkeypatch):
    a, b = (gm.gram("y ~ x", part) for part in files[:2])
    both = gm.gram("y ~ x", files[:2])
    with pytest.raises(DataError, match=r"already there: .*0\.parquet \(100 rows\); gm\.add\(a, b, force=True\)"):
        both + a
    with pytest.raises(DataError, match=r"not there: .*1\.parquet \(100 rows\); gm\.subtract\(a, b, force=True\)"):
        a - b
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="already there"):
        gm.gram("y ~ x", "0.parquet") + a
    assert (both - b).inputs == a.inputs
    (read,) = a.inputs
    assert (read.size, read.units, read.rows, read.sha256) == (files[0].stat().st_size, 1, 100, None)
    twice = gm.add(both, a, force=True)
    assert twice.rows == 300
    assert [r.rows for r in twice.inputs] == [100, 100, 100]
    assert (twice - a).inputs == both.inputs


@pytest.mark.parametrize("link", [os.symlink, os.link, os.replace])
def test_files_are_known_under_other_names(files, tmp_path, link):
    both, a = gm.gram("y ~ x", files[:2]), gm.gram("y ~ x", files[0])
    link(files[0], tmp_path / "other.parquet")
    other = gm.gram("y ~ x", tmp_path / "other.parquet")
    for total in (both, gm.load(_saved(both, tmp_path / "both.gram"))):
        with pytest.raises(DataError, match=r"already there: .*0\.parquet \(100 rows\)"):
            total + other
        assert (total - other).inputs == (both - a).inputs
    assert gm.add(both, other, force=True).rows == 300


def _saved(gram, path):
    gram.save(path)
    return path


def test_data_in_memory_are_known_by_their_sums(frame):
    a, b = gm.gram("y ~ x", frame[:100]), gm.gram("y ~ x", frame[100:])
    with pytest.raises(DataError, match=r"already there: pandas\.DataFrame \(100 rows\)"):
        a + gm.gram("y ~ x", frame[:100].copy())
    with pytest.raises(DataError, match="not there"):
        a - b
    (read,) = a.inputs
    assert read.size is None
    assert len(read.sha256) == 64


def test_what_is_taken_away_by_force_is_owed(frame):
    whole, part = gm.gram("y ~ x + f", frame), gm.gram("y ~ x + f", frame[:50])
    rest = gm.subtract(whole, part, force=True)
    assert rest.rows == 250
    assert rest.gram_data.provenance.over_subtracted == part.inputs
    close(rest, gm.gram("y ~ x + f", frame[50:]))
    assert (rest + part).inputs == whole.inputs
    with pytest.raises(NumericalError, match=r"cannot subtract .* rows with f = b from 0: they are not part"):
        gm.subtract(part, whole, force=True)


@pytest.mark.parametrize(
    ("other", "options", "message"),
    [
        ("y ~ x + f", {}, r"different terms: I\(x\^2\), x:f is in .*, not in 'y ~ x \+ f'"),
        ("y ~ x*f + I(x^2) + w", {}, r"different terms: w is in 'y ~ x\*f \+ I\(x\^2\) \+ w', not in"),
        ("w ~ x*f + I(x^2)", {}, "the outcome differs: y, and w"),
        ("y ~ x*f + I(x^2)", {"weights": "w"}, "the weights differ: none, and w"),
        ("y ~ x*f + I(x^2) + offset(w)", {}, "the offsets differ: none, and w"),
    ],
)
def test_other_terms_are_refused_by_name(frame, other, options, message):
    with pytest.raises(SchemaError, match=message):
        gm.gram(FORMULA, frame[:100]) + gm.gram(other, frame[100:], **options)


def test_other_kinds_are_refused(frame):
    text = frame.assign(f=np.arange(len(frame)) % 3)
    with pytest.raises(SchemaError, match="column 'f' is text in the first, number in the second"):
        gm.gram("y ~ x + f", frame[:100]) + gm.gram("y ~ x + f", text[100:])


def test_digits_that_are_gone(frame):
    """What is left when most has been taken away is certified, and refused where nothing of it is certain."""
    far = frame.assign(x=frame.x * 1e2 + 1e5, y=frame.y * 1e3)
    few, many = gm.gram("y ~ x", frame[:50]), gm.gram("y ~ x", far)
    left = (few + many) - many
    with pytest.warns(AccuracyWarning, match="a Gram has no rows: fit from the data, or make the Gram with exact=True"):
        fit = left.ols()
    truth = few.ols(digits=0).coefficients
    right = -np.log10(np.abs(fit.coefficients - truth) / np.maximum(np.abs(truth), fit.std_errors) + 1e-16)
    assert (fit.digits < 8).any()
    assert (fit.digits <= right).all()
    further = gm.gram("y ~ x", far.assign(x=far.x * 1e4))
    with pytest.raises(NumericalError, match="subtracting rows has left no certified digit of Intercept"):
        ((few + further) - further).ols(digits=0)
    exact = [gm.gram("y ~ x", data, exact=True) for data in (frame[:50], far.assign(x=far.x * 1e4))]
    assert ((exact[0] + exact[1]) - exact[1]).ols().digits.min() > 15


def test_only_grams_add(frame):
    gram = gm.gram("y ~ x", frame)
    for other in (1, "a", None):
        with pytest.raises(TypeError):
            gram + other
        with pytest.raises(TypeError):
            gram - other
        with pytest.raises(TypeError):
            other + gram


def test_rows_left_out_are_counted_and_taken_back(frame):
    holes = frame.assign(x=frame.x.where(np.arange(len(frame)) % 10 > 0))
    a, b = gm.gram("y ~ x + f", holes[:100]), gm.gram("y ~ x + f", holes[100:])
    assert dict((a + b).dropped_rows) == {"null": 30} or dict((a + b).dropped_rows) == {"nan": 30}
    assert dict(((a + b) - b).missing) == dict(a.missing) == {"x": 10}
    clean = gm.gram("y ~ x + f", frame[:100])
    with pytest.raises(NumericalError, match="fewer rows were dropped from the first than from the second"):
        gm.subtract(gm.gram("y ~ x + f", frame), a, force=True)
    assert gm.subtract(a + b, b).rows == 90
    assert clean.dropped_rows == {}


def test_add_and_subtract_take_grams():
    gram = gm.gram("y ~ x", {"x": [1, 2, 3], "y": [2, 4, 5]})
    for wrong in (3, None, "a.gram"):
        for change in (gm.add, gm.subtract):
            with pytest.raises(OptionError, match=r"expected two Grams, found .*; gm.load\(path\) reads one"):
                change(gram, wrong)
