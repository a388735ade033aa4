"""A run that is interrupted, killed or out of disk goes on from its file, with the bits of one that was not."""

from __future__ import annotations

import errno
import io
import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import ArtifactError, DataError, OptionError
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.fit.resume import checkpoint
from gramian.serialize import file as store
from gramian.testing import same_bits

FITS: dict[str, Callable[..., Any]] = {
    "ols": lambda data, **more: gm.ols("y ~ x * f", data, **more),
    "ridge": lambda data, **more: gm.ridge("y ~ x + f", data, 2.0, **more),
    "hc": lambda data, **more: gm.ols("y ~ x + f", data, vcov="HC3", **more),
    "exact": lambda data, **more: gm.ols("y ~ x * f", data, exact=True, **more),
    "glm": lambda data, **more: gm.glm("b ~ x + f", data, **more),
    "sandwich": lambda data, **more: gm.glm("y ~ x", data, "gamma", "inverse", vcov="HC1", **more),
    "clusters": lambda data, **more: gm.ols("y ~ x", data, vcov={"cluster": "f"}, **more),
    "clusters of counts": lambda data, **more: gm.glm("n ~ x", data, "poisson", vcov={"cluster": "f"}, **more),
    "theta": lambda data, **more: gm.glm("n ~ x + f", data, "negative_binomial", **more),
}


AT_LEAST = {"ols": 2, "hc": 3, "glm": 2, "sandwich": 3, "theta": 3}  # passes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    (tmp_path / "data").mkdir()
    for number in range(3):
        rows = 900 * (number + 1)
        x, f = rng.normal(50, 1, rows), rng.choice([f"l{i}" for i in range(2 + number)], rows)
        mu = np.exp((x - 48) / 4)
        columns = {
            "y": mu * rng.gamma(5, 0.2, rows),
            "b": rng.random(rows) < 1 / (1 + np.exp(50 - x)),
            "n": rng.negative_binomial(2, 2 / (2 + mu)),
            "x": pa.array(x, mask=rng.random(rows) < 0.01),
            "f": f,
        }
        pq.write_table(pa.table(columns), tmp_path / "data" / f"{number}.parquet", row_group_size=250)
    return tmp_path


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save after every unit."""
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)


class Stop:
    """An interrupt after so many rows."""

    def __init__(self, rows: int) -> None:
        self.left = rows

    def start(self, rows: int | None, size: int | None) -> None: ...

    def stop(self) -> None: ...

    def advance(self, rows: int, size: int) -> None:
        self.left -= rows
        if self.left < 0:
            raise KeyboardInterrupt


def bits(fit: Any) -> tuple[Any, ...]:
    return fit.coefficients.tobytes(), fit.std_errors.tobytes(), fit.rows, fit.passes, dict(fit.dropped_rows)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupted_run_goes_on_with_the_same_bits(folder: Path, name: str, threads: int) -> None:
    fit, file, draw = FITS[name], folder / "run", random.Random(name)
    expected, engine = bits(fit(folder / "data", engine=gm.Local(threads=1))), gm.Local(threads=threads)
    left = 5400 * AT_LEAST.get(name, 1) // 2  # rows of the first half of the passes that there are at least
    while (left := left - (rows := draw.randrange(300, 3000))) > 0:
        with pytest.raises(KeyboardInterrupt, match="run the same again to go on"):
            fit(folder / "data", checkpoint=file, progress=Stop(rows), engine=engine)
        assert file.exists()
    done = fit(folder / "data", checkpoint=file, engine=engine)
    assert bits(done) == expected
    assert not file.exists()


@pytest.mark.parametrize("name", ["clusters", "clusters of counts"])
def test_a_run_goes_on_whatever_memory_is_free(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, file, free = FITS[name], folder / "run", itertools.count(2**30, 2**26)
    monkeypatch.setattr("gramian.fit.vcov.job.memory_limit", lambda: next(free))
    expected, through = bits(fit(folder / "data")), 0
    for rows in (*range(1500, 40_000, 1500), 10**9):
        with suppress(KeyboardInterrupt):
            assert bits(fit(folder / "data", checkpoint=file, progress=Stop(rows))) == expected
            through += 1
    assert through
    assert not file.exists()


def test_what_is_said_at_an_interrupt(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"7 of 23 units of pass 1 are saved in .*run; run the same again"):
        FITS["ols"](folder / "data", checkpoint=folder / "run", progress=Stop(1700), engine=gm.Local(threads=1))


@pytest.mark.parametrize("exact", [False, True])
def test_a_gram_goes_on_with_the_same_sums(folder: Path, exact: bool) -> None:
    def made(**more: Any) -> Any:
        return gm.gram("y ~ x * f", folder / "data", exact=exact, **more)

    with pytest.raises(KeyboardInterrupt, match=r"of 23 units of pass 1 are saved"):
        made(checkpoint=folder / "run", progress=Stop(3000))
    again, whole = made(checkpoint=folder / "run"), made()
    assert again.rows == whole.rows
    assert bits(again.ols("y ~ x")) == bits(whole.ols("y ~ x"))


class Kept:
    """Passes in memory."""

    name = "memory"

    def __init__(self) -> None:
        self.passes: Any = ()

    def read(self) -> Any:
        return self.passes

    def write(self, passes: Any) -> None:
        self.passes = passes

    def knows(self, partial: object) -> bool:
        return True


def test_units_that_are_done_are_not_read_again(folder: Path) -> None:
    source, kept = source_of(folder / "data"), Kept()
    task = Accumulate(prepare("y ~ x * f", source, Options())[0])
    expected = gm.Local().fold(source, task)
    with pytest.raises(KeyboardInterrupt, match=r"12 of 23 units of pass 1 are saved in memory"):
        checkpoint.Resumable(gm.Local(threads=1), kept).fold(source, task, progress=Stop(2700))
    (folder / "data" / "0.parquet").unlink()
    with pytest.raises(DataError, match=r"0\.parquet: is gone"):
        gm.Local().fold(source, task)
    assert same_bits(checkpoint.Resumable(gm.Local(), kept).fold(source, task), expected)


def test_passes_that_cannot_be_kept_are_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    monkeypatch.setattr(kept, "knows", lambda partial: False)
    source = source_of(folder / "data")
    task = Accumulate(prepare("y ~ x", source, Options())[0])
    with pytest.raises(KeyboardInterrupt, match="0 of 23 units of pass 1 are saved"):
        checkpoint.Resumable(gm.Local(), kept).fold(source, task, progress=Stop(2700))
    again = checkpoint.Resumable(gm.Local(), kept)
    assert same_bits(again.fold(source, task), gm.Local().fold(source, task))


def test_an_error_keeps_what_was_done(folder: Path) -> None:
    class Broken(Stop):
        def advance(self, rows: int, size: int) -> None:
            self.left -= rows
            if self.left < 0:
                raise DataError("lost", "2.parquet, row group 5")

    with pytest.raises(DataError, match="lost"):
        FITS["ols"](folder / "data", checkpoint=folder / "run", progress=Broken(3000))
    assert bits(FITS["ols"](folder / "data", checkpoint=folder / "run")) == bits(FITS["ols"](folder / "data"))


CHILD = """
import sys
import gramian as gm
from gramian.fit.resume import checkpoint
checkpoint.EVERY, checkpoint.SHARE = 0.0, 1e9

class Kill:
    def __init__(self, rows):
        self.left = rows
    def start(self, rows, size): ...
    def stop(self): ...
    def advance(self, rows, size):
        self.left -= rows
        if self.left < 0:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)

data, file, threads, family, *deaths = sys.argv[1:]
for rows in deaths:  # a fork dies in our place: importing takes longer than fitting
    import os
    pid = os.fork()
    if not pid:
        engine, watch = gm.Local(threads=int(threads)), Kill(int(rows))
        if family == "ols":
            gm.ols("y ~ x * f", data, checkpoint=file, engine=engine, progress=watch)
        else:
            gm.glm("b ~ x + f", data, checkpoint=file, engine=engine, progress=watch)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), os.path.exists(file))
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["ols", "glm"])
def test_a_killed_run_goes_on_with_the_same_bits(folder: Path, threads: int, name: str) -> None:
    file, draw = folder / "run", random.Random(threads)
    deaths = [str(draw.randrange(1500, 5000)) for _ in range(3)]
    arguments = [sys.executable, "-W", "ignore", "-c", CHILD, str(folder / "data"), str(file), str(threads), name]
    done = subprocess.run([*arguments, *deaths], capture_output=True, encoding="utf-8", check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["-9"] * 3, done.stderr
    assert file.exists()
    assert bits(FITS[name](folder / "data", checkpoint=file)) == bits(FITS[name](folder / "data"))
    assert sorted(os.listdir(folder)) == ["data"]


def test_a_full_disk_leaves_the_file_before_whole(folder: Path, eager: None, monkeypatch: pytest.MonkeyPatch) -> None:
    file, sync, saved = folder / "run", os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal saved
        if saved >= 9:  # five times: a file and its folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        saved += 1
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        ArtifactError, match=r"run: cannot be written \(No space left.*the earlier one is complete: make room"
    ):
        FITS["ols"](folder / "data", checkpoint=file, engine=gm.Local(threads=1))
    assert sorted(os.listdir(folder)) == ["data", "run"]
    assert store.load(file)[0] == "checkpoint"
    monkeypatch.undo()
    assert bits(FITS["ols"](folder / "data", checkpoint=file)) == bits(FITS["ols"](folder / "data"))


class Small(io.FileIO):
    """A file on a disk that takes so many bytes more, all files together."""

    left = 0

    def write(self, content: Any, /) -> int:
        taken = memoryview(content).cast("B")[: Small.left]
        if not taken.nbytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        Small.left -= taken.nbytes
        return super().write(taken)


@pytest.mark.parametrize("more", [0, 1, 3_000])
def test_a_disk_that_fills_while_it_is_written(
    folder: Path, eager: None, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    """The first file fits; of the second, `more` bytes do."""
    file, opened = folder / "run", 0

    def small(path: Path, mode: str) -> Any:
        nonlocal opened
        if mode == "rb":
            return open(path, mode)
        opened += 1
        Small.left = more if opened == 2 else 10**9
        return io.BufferedRandom(Small(path, mode.replace("b", "")))  # type: ignore[arg-type]

    monkeypatch.setattr(store, "open", small, raising=False)
    with pytest.raises(
        ArtifactError, match=r"run: cannot be written \(No space left.*; the earlier one is complete: make"
    ):
        FITS["ols"](folder / "data", checkpoint=file, engine=gm.Local(threads=1))
    assert sorted(os.listdir(folder)) == ["data", "run"]
    (kept,) = store.load(file)[1]["passes"]
    assert [level for level, *_ in kept["parts"]] == [0]
    monkeypatch.undo()
    assert bits(FITS["ols"](folder / "data", checkpoint=file)) == bits(FITS["ols"](folder / "data"))


def test_a_disk_that_is_full_from_the_beginning(folder: Path, eager: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ArtifactError, match=r"run: cannot be written \(No space left on device\)$"):
        FITS["ols"](folder / "data", checkpoint=folder / "run", engine=gm.Local(threads=1))
    assert sorted(os.listdir(folder)) == ["data"]


@pytest.fixture
def interrupted(folder: Path) -> Path:
    """The file of a run that was interrupted."""
    with pytest.raises(KeyboardInterrupt):
        gm.ols("y ~ x", folder / "data", checkpoint=folder / "run", progress=Stop(3000))
    return folder


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda: {"formula": "y ~ f"},
            r"it was made with formula = 'y ~ x', now it is 'y ~ f'; give what it was made for",
        ),
        (lambda: {"weights": "x"}, r"it was made with weights = None, now it is 'x'"),
        (lambda: {"na": "raise"}, r"it was made with drop = True, now it is False"),
    ],
)
def test_another_model_is_refused_by_name(interrupted: Path, change: Any, told: str) -> None:
    options = {"formula": "y ~ x"} | change()
    with pytest.raises(ArtifactError, match=told):
        gm.ols(data=interrupted / "data", checkpoint=interrupted / "run", **options)


def test_another_family_is_refused_by_name(interrupted: Path) -> None:
    with pytest.raises(ArtifactError, match="made with model = 'ols', now it is 'glm'"):
        gm.glm("y ~ x", interrupted / "data", "gamma", checkpoint=interrupted / "run")


def test_changed_data_are_refused(interrupted: Path) -> None:
    data, again = interrupted / "data", {"checkpoint": interrupted / "run"}
    kept = (data / "1.parquet").read_bytes()
    (data / "1.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"data that it was made from are not there: .*1\.parquet"):
        gm.ols("y ~ x", data, **again)
    (data / "1.parquet").write_bytes(kept)
    with pytest.raises(ArtifactError, match=r"1\.parquet' has changed since"):
        gm.ols("y ~ x", data, **again)


def test_more_data_are_refused(interrupted: Path) -> None:
    data = interrupted / "data"
    (data / "3.parquet").write_bytes((data / "1.parquet").read_bytes())
    with pytest.raises(ArtifactError, match=r"there are data that it was not made from: .*3\.parquet"):
        gm.ols("y ~ x", data, checkpoint=interrupted / "run")


def test_a_damaged_file_is_refused(interrupted: Path) -> None:
    file = interrupted / "run"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match="damaged"):
        gm.ols("y ~ x", interrupted / "data", checkpoint=file)


def test_a_saved_fit_is_no_checkpoint(folder: Path) -> None:
    gm.ols("y ~ x", folder / "data").save(folder / "run")
    with pytest.raises(ArtifactError, match=r"it holds a '.*', not a checkpoint"):
        gm.ols("y ~ x", folder / "data", checkpoint=folder / "run")


@pytest.mark.parametrize("damage", ["version", "passes", "level", "units"])
def test_content_that_makes_no_sense_is_refused(interrupted: Path, damage: str) -> None:
    kind, manifest, arrays = store.load(interrupted / "run")
    if damage == "version":
        manifest["version"] = "0.0.1"
    elif damage == "passes":
        manifest["passes"][0]["parts"] = manifest["passes"][0]["parts"][::-1]
    elif damage == "level":
        manifest["passes"][0]["parts"][0][0] = -1
    else:
        manifest["units"] = "0"
    store.save(interrupted / "run", kind, manifest, arrays)
    told = {"version": "made by gramian 0.0.1, this is", "units": "row groups of its data are not the same"}
    with pytest.raises(ArtifactError, match=told.get(damage, "makes no sense")):
        gm.ols("y ~ x", interrupted / "data", checkpoint=interrupted / "run")


def test_data_in_memory_cannot_be_recognised(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="a checkpoint needs data in files"):
        gm.ols("y ~ x", {"x": [1.0, 2.0], "y": [1.0, 2.0]}, checkpoint=tmp_path / "run")


def test_an_engine_without_a_tree(folder: Path) -> None:
    class Plain:
        def fold(self, source, task, /, progress=None):  # type: ignore[no-untyped-def]
            return task.empty

    with pytest.raises(OptionError, match="needs an engine whose fold has the argument 'tree'"):
        gm.ols("y ~ x", folder / "data", checkpoint=folder / "run", engine=Plain())


def test_what_is_no_file_name(folder: Path) -> None:
    with pytest.raises(OptionError, match="checkpoint must be the name of a file, found bool"):
        gm.ols("y ~ x", folder / "data", checkpoint=True)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="checkpoint and skip_bad do not go together"):
        gm.ols("y ~ x", folder / "data", checkpoint=folder / "run", skip_bad=True)


def test_other_numbers_in_the_same_place_are_refused(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, manifest, arrays = store.load(interrupted / "run")
    manifest["passes"][0]["task"] = "0" * 64
    store.save(interrupted / "run", kind, manifest, arrays)
    with pytest.raises(ArtifactError, match="pass 1 of this run computes something else than the saved one"):
        gm.ols("y ~ x", interrupted / "data", checkpoint=interrupted / "run")


def test_savings_take_a_small_share_of_the_time() -> None:
    class Slow:
        name, clock, written = "slow", 0.0, 0

        def read(self) -> tuple[()]:
            return ()

        def write(self, passes: object) -> None:
            self.clock += 1.0
            self.written += 1

        def knows(self, partial: object) -> bool:
            return True

    keeper = Slow()
    run = checkpoint.Resumable(gm.Local(), keeper, now=lambda: keeper.clock)
    for _ in range(10_000):
        keeper.clock += 0.1
        run.save_if_due(checkpoint.SavedPass("", (), False))
    assert 0 < keeper.written <= 1 + keeper.clock * checkpoint.SHARE
