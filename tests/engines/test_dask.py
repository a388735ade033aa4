"""Dask: the laws of engines, frames of Dask, lost workers, units that fail."""

from __future__ import annotations

import os
import pickle
from logging import CRITICAL
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines.fatal import Fatal, Units
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.problems import FORMULAS, tables

pytest.importorskip("distributed")

import distributed
import pandas
from dask import dataframe

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.dask import Dask, finished
from gramian.engines.local import Local
from gramian.errors import (
    ColumnError,
    DataError,
    EngineError,
    EngineWarning,
    MissingExtraError,
    OptionError,
    UnreadableError,
)
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.testing import check_engine, same_bits

LOOPBACK = {  # Dask opens ports for HTTP even without a dashboard: other machines must not reach them
    "threads_per_worker": 1,
    "n_workers": 2,
    "dashboard_address": "127.0.0.1:0",
    "worker_dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False},
    "silence_logs": CRITICAL,
}
NO_WORKERS = {**LOOPBACK, "n_workers": 0}


def prepared(folder: Path):  # type: ignore[no-untyped-def]
    return prepare("y ~ x * f", source_of(folder), Options())[0]


@pytest.fixture(scope="module")
def client():  # type: ignore[no-untyped-def]
    """Two workers in this process."""
    with distributed.LocalCluster(processes=False, **LOOPBACK) as cluster, distributed.Client(cluster) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    for number in range(3):
        rows = 700 * (number + 1)
        x = pa.array(rng.normal(50, 1, rows), mask=rng.random(rows) < 0.01)
        y = 1e5 + np.exp(0.06 * x.fill_null(50).to_numpy()) + rng.normal(size=rows)
        columns = {"y": y, "x": x, "f": rng.choice([f"l{i}" for i in range(3 + number)], rows)}
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet", row_group_size=200)
    return tmp_path


@pytest.fixture(scope="module")
def frame() -> pandas.DataFrame:
    rng = np.random.default_rng(5)
    x, f = rng.normal(10, 1, 500), rng.choice(["a", "b"], 500)
    frame = pandas.DataFrame({"y": x + (f == "a") + rng.normal(size=500), "x": x, "f": f})
    frame.index.name = "row"
    return frame


def test_the_laws_of_engines(client) -> None:  # type: ignore[no-untyped-def]
    check_engine(Dask(client))


@pytest.mark.parametrize(
    "fit",
    [
        lambda folder, engine: gm.ols("y ~ x * f", folder, engine=engine),
        lambda folder, engine: gm.glm("y ~ x + f", folder, "gamma", "log", engine=engine),
        lambda folder, engine: gm.curve("y ~ a + b * exp(k * x)", folder, {"a": 1e5, "b": 1, "k": 0.05}, engine=engine),
    ],
    ids=["ols", "glm", "curve"],
)
def test_fits_have_the_bits_of_local_ones(client, folder, fit) -> None:  # type: ignore[no-untyped-def]
    here = fit(folder, Local(threads=1))
    for engine in (client, "dask"):
        there = fit(folder, engine)
        assert here.coefficients.tobytes() == there.coefficients.tobytes()
        assert here.std_errors.tobytes() == there.std_errors.tobytes()
        assert here.rows == there.rows == 4200 - sum(here.dropped_rows.values())


def test_without_a_client_threads_of_this_process_do_it(folder) -> None:  # type: ignore[no-untyped-def]
    here, there = (gm.ols("y ~ x * f", folder, engine=engine) for engine in ("local", "dask"))
    assert here.coefficients.tobytes() == there.coefficients.tobytes()


def test_relative_paths_are_read_by_workers_elsewhere(folder, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(folder)
    (unit, *_) = source_of("0.parquet").units
    assert unit.file.path == "0.parquet"
    assert unit.portable(("x",)).file.path == str(folder.resolve() / "0.parquet")


@pytest.mark.parametrize("made", ["of pandas", "of files", "persisted", "computed"])
def test_partitions_of_a_dask_frame_are_units(client, frame, tmp_path, made) -> None:  # type: ignore[no-untyped-def]
    lazy = dataframe.from_pandas(frame, npartitions=5)
    if made == "of files":
        pq.write_table(pa.Table.from_pandas(frame), tmp_path / "a.parquet", row_group_size=100)
        lazy = dataframe.read_parquet(tmp_path / "a.parquet", split_row_groups=True)
    lazy = lazy.persist() if made == "persisted" else lazy
    lazy = lazy.assign(x=lazy.x * 1.0) if made == "computed" else lazy
    here = gm.ols("y ~ x + f", [lazy.partitions[i].compute() for i in range(lazy.npartitions)])
    for engine in (None, "local", client):
        there = gm.ols("y ~ x + f", lazy, engine=engine)
        assert there.rows == 500
        assert here.coefficients.tobytes() == there.coefficients.tobytes()
    if made == "of pandas":
        assert gm.ols("y ~ x + row", lazy).rows == 500  # a named index is a column
    with pytest.raises(ColumnError, match="no column 'distance'"):
        gm.ols("y ~ distance", lazy)


def test_a_unit_of_a_dask_frame_carries_its_own_partition_only(frame) -> None:  # type: ignore[no-untyped-def]
    rows = pandas.concat([frame] * 20)
    units = source_of(dataframe.from_pandas(rows, npartitions=20)).units
    share = len(pickle.dumps(rows[["x", "y"]])) / 20
    assert all(len(pickle.dumps(unit.portable(("x", "y")))) < 1.5 * share for unit in units)


def test_a_series_is_no_table(frame) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=r"a Series is no table|supported are"):
        gm.ols("y ~ x", dataframe.from_pandas(frame, npartitions=2).x)


def test_rows_in_memory_are_sent_without_the_rest(frame) -> None:  # type: ignore[no-untyped-def]
    table = pa.table({"x": np.arange(1e6), "f": pa.array(["a", None] * 500_000)})
    (unit, *_) = source_of(table).units
    (batch,) = (b for b in unit.batches(("x", "f")) if b.rows)
    few = batch.head(1000)
    assert len(pickle.dumps(few)) < 1000 * 20
    again = pickle.loads(pickle.dumps(few))
    assert all(again.columns[name].equals(few.columns[name]) for name in ("x", "f"))


@settings(max_examples=8)
@given(data=st.data())
def test_random_plans_have_the_same_bits(client, data) -> None:  # type: ignore[no-untyped-def]
    formula = data.draw(st.sampled_from(FORMULAS))
    pieces = data.draw(st.lists(tables(), min_size=1, max_size=5))
    source = source_of(pieces)
    task = Accumulate(prepare(formula, source, Options())[0])
    with TemporaryDirectory() as name:
        for number, piece in enumerate(pieces):
            size = data.draw(st.integers(1, 60))
            pq.write_table(piece, Path(name, f"{number}.parquet"), row_group_size=size)
        for some in (source, source_of(name)):
            here, there = Local(threads=1).fold(some, task), Dask(client).fold(some, task)
            assert same_bits(here, there)
            assert there.moments.rows + there.dropped_rows.total == sum(piece.num_rows for piece in pieces)


def test_a_checkpoint_is_taken_up_by_another_engine(client, folder) -> None:  # type: ignore[no-untyped-def]
    def fit(engine, **more):  # type: ignore[no-untyped-def]
        return gm.ols("y ~ x * f", folder, engine=engine, **more).coefficients.tobytes()

    for first, second in ((client, Local(threads=2)), (Local(threads=1), client)):
        with pytest.raises(KeyboardInterrupt, match=r"of 22 units of pass 1 are saved"):
            fit(first, checkpoint=folder.parent / "run", progress=Watch())
        assert fit(second, checkpoint=folder.parent / "run") == fit(Local(threads=1))


class Watch:
    def __init__(self) -> None:
        self.rows = 0

    def advance(self, rows: int, size: int) -> None:
        self.rows += rows
        if self.rows > 1000:
            raise KeyboardInterrupt

    def start(self, rows: int | None, size: int | None) -> None: ...

    def stop(self) -> None: ...


def test_an_interrupt_leaves_nothing_behind(client, folder) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(KeyboardInterrupt):
        gm.ols("y ~ x", folder, engine=client, progress=Watch())
    assert gm.ols("y ~ x", folder, engine=client).rows > 0


def test_a_damaged_unit_is_named(client, folder) -> None:  # type: ignore[no-untyped-def]
    path = folder / "1.parquet"
    source = source_of(folder)
    design, _ = prepare("y ~ x", source, Options())
    kept = os.stat(path)
    content = bytearray(path.read_bytes())
    content[40:4000] = bytes(3960)
    path.write_bytes(content)
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    with pytest.raises(DataError, match=r"1\.parquet, row group 0"):
        Dask(client).fold(source, Accumulate(design))


def test_a_worker_without_access_to_a_path_says_so(client, folder) -> None:  # type: ignore[no-untyped-def]
    source = source_of(folder)
    design, _ = prepare("y ~ x", source, Options())
    (folder / "1.parquet").rename(folder / "elsewhere")
    with pytest.raises(
        DataError, match=r"1\.parquet, row group 0: the worker .* has no access to .*1\.parquet'; every"
    ):
        Dask(client).fold(source, Accumulate(design))


def test_what_is_no_engine(client) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError, match=r"one of 'local', 'dask', 'spark', found 'dusk'; did you mean 'dask'"):
        gm.ols("y ~ x", {"x": [1.0], "y": [1.0]}, engine="dusk")
    with pytest.raises(OptionError, match=r"must have a method 'fold', such as gm\.Local\(threads=2\), \"dask\""):
        gm.ols("y ~ x", {"x": [1.0], "y": [1.0]}, engine=3)
    with pytest.raises(OptionError, match=r"client must be a distributed\.Client, found str"):
        Dask("tcp://127.0.0.1:8786")


def test_an_engine_that_is_not_installed(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    monkeypatch.delitem(__import__("sys").modules, "gramian.engines.dask")
    with pytest.raises(MissingExtraError, match=r"pip install 'gramian\[dask\]'"):
        gm.ols("y ~ x", {"x": [1.0], "y": [1.0]}, engine="dask")


@pytest.fixture(scope="module")
def processes():  # type: ignore[no-untyped-def]
    """Two processes that are started again when they die; they listen on the loopback only."""
    import dask

    settings = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.comm.timeouts.connect": "60s",
        "distributed.deploy.lost-worker-timeout": "1h",  # a busy machine starts a worker again slowly
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(host="127.0.0.1", **LOOPBACK) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_killed_worker_is_replaced_and_a_fatal_unit_named(processes, folder) -> None:  # type: ignore[no-untyped-def]
    source = source_of(folder)
    design, _ = prepare("y ~ x * f", source, Options())
    task, units = Accumulate(design), source.units
    expected = Local(threads=1).fold(source, task)
    some = (*units[:7], Fatal(units[7], folder / "once"), *units[8:])
    found = Dask(processes).fold(Units(some), task)
    assert (folder / "once").exists()
    assert same_bits(found, expected)
    with pytest.raises(UnreadableError, match=r"b\.parquet, row group 3: 2 workers died while they read it"):
        Dask(processes).fold(Units((*units[:7], Fatal(units[7]))), task)


def test_a_unit_that_is_blamed_for_workers_that_others_ended_is_read_again_alone(processes, folder) -> None:  # type: ignore[no-untyped-def]
    source = source_of(folder)
    design, _ = prepare("y ~ x * f", source, Options())
    task, units = Accumulate(design), source.units
    blamed = Fatal(units[7], folder / "twice", times=2)  # as many deaths as Dask takes until it gives a task up
    found = Dask(processes).fold(Units((*units[:7], blamed, *units[8:])), task)
    assert (folder / "twice").stat().st_size == 2
    assert same_bits(found, Local(threads=1).fold(source, task))


def wait(name: str) -> bool:
    return bool(distributed.Event(name).wait(timeout="60s"))


class Lost:
    """A future whose result is lost with its worker, and made again."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    @property
    def status(self) -> str:
        return self.states[0]

    def exception(self) -> None:
        self.states = self.states[1:] or self.states


def test_a_result_that_died_with_its_worker_is_waited_for() -> None:
    future = Lost("pending", "lost", "pending", "finished")
    assert finished("a.parquet, row group 2", future) is future
    with pytest.raises(EngineError, match="the cluster dropped the work"):
        finished("a.parquet, row group 2", Lost("pending", "lost", "cancelled"))


def test_work_that_the_cluster_dropped(client) -> None:  # type: ignore[no-untyped-def]
    future = client.submit(wait, "dropped", pure=False)
    future.cancel()
    with pytest.raises(EngineError, match=r"a\.parquet, row group 2: the cluster dropped the work.*start again"):
        finished("a.parquet, row group 2", future)
    distributed.Event("dropped", client=client).set()


def test_a_cluster_without_workers_is_not_waited_for_without_end(folder, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from gramian.engines import dask as engine

    monkeypatch.setattr(engine, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(engine, "SAY_AFTER", 0.2)
    with (
        distributed.LocalCluster(processes=False, **NO_WORKERS) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        pytest.warns(EngineWarning, match="the cluster has no worker; waiting for one, 1 seconds in all"),
        pytest.raises(EngineError, match=r"the cluster has had no worker for \d+ seconds; start workers .* gm.Dask"),
    ):
        Dask(client, worker_timeout=0.6).fold(source_of(folder), Accumulate(prepared(folder)))


def test_a_worker_that_comes_late_is_waited_for(folder, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from gramian.engines import dask as engine

    monkeypatch.setattr(engine, "LOOK_EVERY", 0.05)
    source, task = source_of(folder), Accumulate(prepared(folder))
    with (
        distributed.LocalCluster(processes=False, **NO_WORKERS) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        cluster.scale(1)
        assert same_bits(Dask(client).fold(source, task), Local(threads=1).fold(source, task))


def test_a_scheduler_that_does_not_answer(folder, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import dask

    def no_default() -> None:
        raise ValueError("no client, though other tests have made one")

    monkeypatch.setattr(distributed, "default_client", no_default)
    closed = "tcp://127.0.0.1:1"  # nobody listens there
    settings = {"scheduler-address": closed, "distributed.comm.timeouts.connect": "0.2s"}
    with (
        dask.config.set(settings),
        pytest.raises(EngineError, match=rf"the scheduler at {closed} cannot be reached: .*DASK_SCHEDULER_ADDRESS"),
    ):
        Dask().fold(source_of(folder), Accumulate(prepared(folder)))


@pytest.mark.parametrize("seconds", [0, -1, True, float("nan")])
def test_what_is_no_time_to_wait(seconds) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError, match="worker_timeout must be a number of seconds above 0"):
        Dask(worker_timeout=seconds)
