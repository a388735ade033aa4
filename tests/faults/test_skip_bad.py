"""Units that cannot be read are left out, all of them in all passes, and named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines.pickling import Pickling

import gramian as gm
from gramian.errors import DataError, OptionError

GROUPS = 5
ROWS = 200


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(9)
    for number in range(3):
        x = rng.normal(size=GROUPS * ROWS)
        columns = {"x": x, "y": x + rng.normal(size=len(x)), "b": rng.random(len(x)) < 1 / (1 + np.exp(-x))}
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet", row_group_size=ROWS)
    return tmp_path


def damage(path: Path, group: int) -> None:
    """Zeros in the pages of x in a row group; size and time stay what they are."""
    column = pq.read_metadata(path).row_group(group).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    kept, content = os.stat(path), bytearray(path.read_bytes())
    content[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(content)
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def without(folder: Path, left_out: list[tuple[int, int]]) -> list[pa.Table]:
    files = [pq.ParquetFile(folder / f"{n}.parquet") for n in range(3)]
    return [f.read_row_group(g) for n, f in enumerate(files) for g in range(GROUPS) if (n, g) not in left_out]


@pytest.mark.parametrize("engine", [gm.Local(threads=1), gm.Local(threads=3), Pickling(), "dask"], ids=str)
@pytest.mark.parametrize("bad", [[(1, 3)], [(0, 0), (1, 2), (2, 4)]], ids=["one", "three, the first among them"])
def test_what_cannot_be_read_is_named_and_counted(folder: Path, engine, bad) -> None:  # type: ignore[no-untyped-def]
    rest = without(folder, bad)
    for number, group in bad:
        damage(folder / f"{number}.parquet", group)
    with pytest.raises(DataError, match=r"\.parquet, row group"):
        gm.ols("y ~ x", folder, engine=engine)
    fit = gm.ols("y ~ x", folder, engine=engine, skip_bad=True)
    named = {f"in {n}.parquet, row group {g}, which cannot be read": ROWS for n, g in bad}
    assert dict(fit.dropped_rows) == named
    assert fit.rows == 3 * GROUPS * ROWS - len(bad) * ROWS
    expected = gm.ols("y ~ x", rest)
    np.testing.assert_array_equal(fit.coefficients, expected.coefficients)
    assert "200 in " in fit.summary()


def test_all_passes_see_the_same_rows(folder: Path) -> None:
    rest = without(folder, [(1, 2)])
    damage(folder / "1.parquet", 2)
    fit, expected = gm.glm("b ~ x", folder, skip_bad=True), gm.glm("b ~ x", rest)
    assert fit.rows == expected.rows
    np.testing.assert_allclose(fit.coefficients, expected.coefficients, rtol=1e-9)  # the samples of pilots differ
    assert dict(fit.dropped_rows) == {"in 1.parquet, row group 2, which cannot be read": ROWS}


def test_a_file_of_unknown_length(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("x,y\n" + "".join(f"{i},{i * i}\n" for i in range(9)))
    with open(tmp_path / "b.csv", "a") as file:
        file.writelines(f"{i},1\n" for i in range(300_000))  # more than the sample that types are taken from
        file.write("oops,1\n")
    with pytest.raises(DataError, match=r"b\.csv, line 300011"):
        gm.ols("y ~ x", tmp_path)
    fit = gm.ols("y ~ x", tmp_path, skip_bad=True)
    assert (fit.rows, dict(fit.dropped_rows)) == (18, {"or more in b.csv, which cannot be read": 1})


def test_sound_data_are_all_read(folder: Path) -> None:
    fit, expected = gm.ols("y ~ x", folder, skip_bad=True), gm.ols("y ~ x", folder)
    assert not fit.dropped_rows
    np.testing.assert_array_equal(fit.coefficients, expected.coefficients)


def test_nothing_but_damage_is_an_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]}), tmp_path / "a.parquet")
    damage(tmp_path / "a.parquet", 0)
    with pytest.raises(DataError, match=r"a\.parquet, row group 0"):
        gm.ols("y ~ x", tmp_path, skip_bad=True)


def test_wrong_values_are_no_damage(tmp_path: Path) -> None:
    for number in range(3):
        pq.write_table(pa.table({"x": [number, 2**60], "y": [1.0, 2.0]}), tmp_path / f"{number}.parquet")
    with pytest.raises(DataError, match=r"2\^53"):
        gm.ols("y ~ x", tmp_path, skip_bad=True)


def test_what_is_read_once(folder: Path) -> None:
    with pytest.raises(OptionError, match="skip_bad needs data that can be read again"):
        gm.ols("y ~ x", iter(without(folder, [])), skip_bad=True)
