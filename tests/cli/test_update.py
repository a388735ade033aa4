"""`gramian update`: new files only, once each, by one writer after the other."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import gramian as gm
from gramian.cli.lock import locked
from gramian.cli.main import gramian
from gramian.errors import ArtifactError

RANDOM = np.random.default_rng(5)


def write(path: Path, rows: int = 50) -> pd.DataFrame:
    data = pd.DataFrame({"x": RANDOM.normal(size=rows), "f": RANDOM.choice(["a", "b"], rows)})
    data["y"] = data["x"] + (data["f"] == "a") + RANDOM.normal(size=rows)
    data.to_parquet(path)
    return data


def run(*arguments: object) -> Result:
    return CliRunner().invoke(gramian, [str(one) for one in arguments], standalone_mode=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "day1.parquet")
    assert run("gram", "y ~ x + f", tmp_path / "day1.parquet", "-o", tmp_path / "sums.gram").return_value == 0
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--by", "f"], ["--folds", 3], ["--cluster", "f"], ["--exact"]])
def test_only_new_files_are_read(options: list[object], tmp_path: Path) -> None:
    days = [write(tmp_path / f"day{i}.parquet") for i in (1, 2, 3)]
    formula = "y ~ x" if "--by" in options else "y ~ x + f"
    sums = tmp_path / "sums.gram"
    assert run("gram", formula, tmp_path / "day1.parquet", "-o", sums, *options).return_value == 0
    first = run("update", sums, tmp_path / "day*.parquet")
    assert first.return_value == 0, first.output
    assert "100 rows of 2 new files added: 150 rows" in first.stderr
    gram, expected = gm.load(sums), gm.ols(formula, pd.concat(days, ignore_index=True))
    assert isinstance(gram, gm.gram("y ~ x", days[0]).__class__)
    assert np.allclose(gram.ols().coefficients, expected.coefficients, rtol=1e-10)
    before = sums.read_bytes()
    again = run("update", sums, tmp_path / "day*.parquet")
    assert "holds all of these files already: 150 rows" in again.stderr
    assert sums.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob(".*")) == []  # neither a lock nor a temporary file is left


def test_a_file_that_has_changed_and_data_that_are_no_files(folder: Path) -> None:
    write(folder / "day1.parquet", rows=80)
    changed = run("update", folder / "sums.gram", folder / "day1.parquet")
    assert changed.return_value == 3
    assert "day1.parquet: has changed since its rows were added (it had" in changed.stderr
    absent = run("update", folder / "no.gram", folder / "day1.parquet")
    assert absent.return_value == 5


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_file_that_was_replaced_renamed_or_copied(tmp_path: Path, format: str) -> None:
    file, sums = tmp_path / f"day1.{format}", tmp_path / "sums.gram"
    rows = pa.table({"x": [1.0, 2.0, 3.0, 5.0] * 20, "y": [1.0, 2.0, 4.0, 4.0] * 20})
    other = pa.table({"x": [1.0, 2.0, 3.0, 5.0] * 20, "y": [1.0, 2.0, 4.0, 4.0] * 19 + [1.0, 2.0, 4.0, 9.0]})
    put = partial(pq.write_table, compression=None, use_dictionary=False) if format == "parquet" else pc.write_csv
    put(rows, file)
    assert run("gram", "y ~ x", file, "-o", sums).return_value == 0
    (tmp_path / "elsewhere").mkdir()
    moved = file.rename(tmp_path / "elsewhere" / f"first.{format}")
    assert "holds all of these files already" in run("update", sums, moved).stderr
    shutil.copy(moved, file)  # a copy of the same content, as a backup would bring it back
    assert "holds all of these files already" in run("update", sums, file).stderr
    put(other, file)
    assert file.stat().st_size == moved.stat().st_size
    replaced = run("update", sums, file)
    assert replaced.return_value == 3
    assert "it has " in replaced.stderr
    assert "bytes as before, and others): subtract the Gram of the old file first" in replaced.stderr


def test_objects_of_a_store_are_known_again(tmp_path: Path) -> None:
    system, sums = fsspec.filesystem("memory"), tmp_path / "sums.gram"
    rows = pa.table({"x": [1.0, 2.0, 3.0, 5.0], "y": [1.0, 2.0, 4.0, 4.0]})

    def put(name: str, table: pa.Table) -> None:
        with system.open(f"/nightly/{name}", "wb") as file:
            pq.write_table(table, file)

    put("1.parquet", rows)
    assert run("gram", "y ~ x", "memory://nightly/*.parquet", "-o", sums).return_value == 0
    put("2.parquet", rows)
    assert "4 rows of 1 new file added: 8 rows" in run("update", sums, "memory://nightly/*.parquet").stderr
    assert "holds all of these files already: 8 rows" in run("update", sums, "memory://nightly").stderr
    put("2.parquet", rows)  # written again
    assert "2.parquet: has changed since its rows were added" in run("update", sums, "memory://nightly").stderr
    system.store.clear()


def test_writers_at_the_same_time_lose_no_rows(folder: Path) -> None:
    for i in (2, 3, 4):
        write(folder / f"day{i}.parquet", rows=10 * i)
    commands = [["update", "sums.gram", f"day{i}.parquet"] for i in (2, 3, 4)]
    started = [subprocess.Popen([sys.executable, "-m", "gramian", *command], cwd=folder) for command in commands]
    assert [process.wait() for process in started] == [0, 0, 0]
    gram = gm.load(folder / "sums.gram")
    assert (gram.rows, len(gram.inputs)) == (50 + 20 + 30 + 40, 4)  # type: ignore[union-attr]


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    target = tmp_path / "a.gram"
    code = "import os, sys; from gramian.cli.lock import locked\nwith locked(sys.argv[1]): os._exit(1)"
    assert subprocess.run([sys.executable, "-c", code, str(target)], check=False).returncode == 1
    waited: list[int] = []
    with locked(target, lambda: waited.append(1)):
        pass
    assert not waited
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ArtifactError, match="cannot be made"), locked(tmp_path / "no" / "a.gram"):
        pass


def test_one_waits_for_the_other_and_says_so(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with locked(tmp_path / "a.gram", waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "a.gram"):
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
