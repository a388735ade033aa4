"""Spark: the laws of engines, frames of Spark, workers that die, frames that change, partitions that fail."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines.fatal import Fatal, Units

pytest.importorskip("pyspark", reason="pyspark is not installed: pip install 'gramian[spark]'")
if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
    pytest.skip("there is no Java, which Spark needs", allow_module_level=True)

import gramian as gm
from gramian.data.source import source_of
from gramian.data.spark import HEAD_ROWS
from gramian.engines import spark as engine
from gramian.engines.local import Local
from gramian.engines.spark import Spark
from gramian.errors import DataError, SchemaError, UnreadableError
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.testing import check_engine, same_bits

ROWS = 6000
# of pyspark itself: it does not support all of pandas 3 yet, and leaves sockets to the garbage collector
pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TESTS = str(Path(__file__).parents[1])


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """Two workers on the loopback, which find the modules of the tests; a task is tried twice."""
    import warnings

    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "Asia/Tokyo",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
    }
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join([TESTS, *filter(None, sys.path)]))
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2, 2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        found = builder.getOrCreate()
        found.sparkContext.setLogLevel("OFF")
        yield found
        found.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(3)
    x, f = rng.normal(50.0, 1.0, ROWS), rng.choice(list("abc"), ROWS)
    y = 1e5 + np.exp(0.06 * x) + (f == "b") + rng.normal(size=ROWS)
    table = pa.table(
        {
            "y": y, "x": pa.array(x, mask=rng.random(ROWS) < 0.01), "f": f, "g": rng.integers(0, 40, ROWS),
            "b": rng.random(ROWS) < 1.0 / (1.0 + np.exp(50.0 - x)), "w": rng.uniform(0.5, 2.0, ROWS),
            "z": x + rng.normal(size=ROWS),
        }
    )  # fmt: skip
    for number in range(3):
        part = table.slice(number * ROWS // 3, ROWS // 3)
        pq.write_table(part, path / f"{number}.parquet", row_group_size=700)
    return path


@pytest.fixture(scope="module")
def frame(session, folder: Path):  # type: ignore[no-untyped-def]
    return session.read.parquet(str(folder)).repartition(3)


def test_the_laws_of_engines(session) -> None:  # type: ignore[no-untyped-def]
    check_engine(Spark(session))


FITS = {
    "ols": lambda data, **run: gm.ols("y ~ x * f + bs(z, 4)", data, vcov="HC3", weights="w", **run),
    "ols with more digits": lambda data, **run: gm.ols(
        "y ~ x + I(x^2)", data, digits=12, where="f != 'a' & x > 49", **run
    ),
    "absorbed": lambda data, **run: gm.ols("y ~ x | g + f", data, vcov={"cluster": "f"}, **run),
    "ridge": lambda data, **run: gm.ridge("y ~ x + z", data, alpha=2.0, **run),
    "glm": lambda data, **run: gm.glm("b ~ x + f", data, "binomial", vcov="HC1", **run),
    "curve": lambda data, **run: gm.curve("y ~ a + c * exp(k * x)", data, {"k": 0.05}, **run),
    "groups": lambda data, **run: gm.ols("y ~ x", data, by="f", **run)["b"],
    "a Gram": lambda data, **run: gm.gram("y ~ x + f", data, exact=True, **run).ols("y ~ x"),
}


@pytest.mark.parametrize("name", FITS)
def test_a_frame_gives_what_threads_give_of_its_rows(frame, folder: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    there, here = FITS[name](frame), FITS[name](str(folder))
    assert there.rows == here.rows
    # both certify at least eight digits, and the error of a coefficient is at most two units in the last of them
    assert there.coefficients == pytest.approx(here.coefficients, rel=2e-8)
    assert there.std_errors == pytest.approx(here.std_errors, rel=2e-6)


def test_files_have_the_bits_of_local_ones(session, folder: Path) -> None:  # type: ignore[no-untyped-def]
    here, there = FITS["glm"](str(folder)), FITS["glm"](str(folder), engine=session)
    assert there.coefficients.tobytes() == here.coefficients.tobytes()
    assert there.std_errors.tobytes() == here.std_errors.tobytes()


def test_types_are_those_of_arrow(session) -> None:  # type: ignore[no-untyped-def]
    words = (
        "true b, 1Y i8, 1S i16, 1 i32, 2L i64, 1.5F f32, 1.5D f64, 1.50BD d, 's' t, date'2024-02-29' day, "
        "timestamp'2024-02-29 01:00' at, timestamp_ntz'2024-02-29 01:00' ntz, null n, interval 3 day span"
    )
    frame = session.sql(f"select {words}, array(1) a, binary('x') raw from range(3)")
    schema = source_of(frame).schema
    expected = source_of(frame.toArrow()).schema
    assert {f.name: f.kind for f in schema.fields if not f.conflict} == {
        f.name: f.kind for f in expected.fields if f.name not in ("a", "raw")
    }
    with pytest.raises(SchemaError, match=r"column 'a' is array<int>; cast it, or select its parts"):
        gm.ols("f64 ~ a", frame)
    # the first rows come by another way than those of passes, moments of time by a third
    columns = [f.name for f in schema.fields if not f.conflict]
    (batch,) = source_of(frame).units[0].batches(columns)
    (by_arrow,) = source_of(frame.toArrow().combine_chunks()).units[0].batches(columns)
    for name in ("i8", "f32", "d", "day", "at", "ntz", "span", "n"):
        found, wanted = batch.numbers(name), by_arrow.numbers(name)
        assert np.array_equal(found.values, wanted.values, equal_nan=True), name
    assert batch.encoded("t").to_pylist() == by_arrow.encoded("t").to_pylist()


def test_names_that_spark_trips_over(session) -> None:  # type: ignore[no-untyped-def]
    frame = session.range(200).selectExpr("id as `a.b`", "id % 3 as `x y`")
    assert gm.ols("`a.b` ~ factor(`x y`)", frame).rows == 200
    with pytest.raises(SchemaError, match=r"Spark cannot select x, y .*ambiguous"):
        gm.ols("y ~ x", session.range(9).selectExpr("id as x", "id as X", "id as y"))


def test_predictions_are_in_the_order_of_the_rows(session, frame, folder: Path) -> None:  # type: ignore[no-untyped-def]
    fit = gm.ols("y ~ x", frame)
    data = session.range(HEAD_ROWS + 999).selectExpr("cast(id as double) as x")
    wanted = fit.predict({"x": np.arange(HEAD_ROWS + 999.0)})
    assert np.array_equal(fit.predict(data), wanted)
    # effects of the fit's own rows are a pass on the workers, too
    slopes, here = fit.slopes("x").tidy(), gm.ols("y ~ x", str(folder)).slopes("x").tidy()
    assert slopes["estimate"][0].as_py() == pytest.approx(here["estimate"][0].as_py(), rel=1e-8)


def test_the_rows_stay_with_the_workers(session, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    sizes, run = [], engine._run

    def watched(frame, work, name):  # type: ignore[no-untyped-def]
        done = run(frame, work, name)
        sizes.append(len(pickle.dumps(done)))
        return done

    monkeypatch.setattr(engine, "_run", watched)
    for rows in (2_000, 200_000):
        data = session.range(0, rows, 1, 2).selectExpr("cast(id as double) as x", "cast(id % 7 as double) as y")
        assert gm.ols("y ~ x", gm.rows(data, "x >= 0")).rows == rows
    assert sizes[0] == pytest.approx(sizes[1], abs=512)
    assert max(sizes) < 10_000


def test_a_killed_worker_is_replaced_and_a_fatal_unit_named(session, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = source_of(folder)
    design, _ = prepare("y ~ x * f", source, Options())
    task, units = Accumulate(design), source.units
    expected = Local(threads=1).fold(source, task)
    found = Spark(session).fold(Units((*units[:4], Fatal(units[4], tmp_path / "once"), *units[5:])), task)
    assert (tmp_path / "once").exists()
    assert same_bits(found, expected)
    with pytest.raises(UnreadableError, match=r"b\.parquet, row group 3: 2 Python workers died while they read it"):
        Spark(session).fold(Units((*units[:4], Fatal(units[4]))), task)


def killing(counter: str, doomed: int):  # type: ignore[no-untyped-def]
    """A function for Spark that ends its worker once at one row; it is pickled whole."""

    def value(row):  # type: ignore[no-untyped-def]
        if row == doomed and not os.path.exists(counter):
            open(counter, "w").close()
            os.kill(os.getpid(), 9)
        return float(row)

    return value


def test_every_row_of_a_frame_counts_once_though_its_worker_dies(session, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from pyspark.sql.functions import udf

    counter = str(tmp_path / "died")
    rows = session.range(0, 40_000, 1, 4)
    frame = rows.select(udf(killing(counter, 35_000), "double")("id").alias("y"), rows.id.alias("x"))
    fit = gm.ols("y ~ x", frame)
    assert os.path.exists(counter)
    assert fit.rows == 40_000
    assert fit["x"] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("values", r"found other values in 'x', though every pass .* persist"),
        ("rows", r"found [\d,]+ rows after [\d,]+"),
    ],
)
def test_a_frame_that_changes_between_passes_is_refused(session, change: str, message: str) -> None:  # type: ignore[no-untyped-def]
    from pyspark.sql.functions import udf

    drawn = udf(lambda: random.random(), "double").asNondeterministic()
    rows = session.range(0, 3_000, 1, 2).selectExpr("cast(id as double) as x", "cast(id % 5 as double) as y")
    frame = rows.withColumn("x", drawn()) if change == "values" else rows.where(drawn() < 0.5)
    with pytest.raises(DataError, match=message):
        gm.ols("y ~ x", frame, vcov="HC1")
    if change == "values":
        assert gm.ols("y ~ x", frame.persist(), vcov="HC1").rows == 3_000


def failing(session) -> Iterator[tuple[object, str]]:  # type: ignore[no-untyped-def]
    """Frames of which partition 3 fails: in Spark, in a function of the user, in gramian."""
    from pyspark.sql.functions import udf

    rows = session.range(0, 40_000, 1, 4)
    yield (
        rows.selectExpr("id as y", "if(id = 35000, raise_error('no'), 1.0D) as x"),
        r"partition 3: .*\[USER_RAISED.*no",
    )
    yield (
        rows.select("id", udf(lambda i: 1.0 / (i - 35_000), "double")("id").alias("x")).selectExpr("id as y", "x"),
        ("partition 3: Spark cannot read it: ZeroDivisionError"),
    )
    yield (
        rows.selectExpr("id as x", "1.0D as y").selectExpr("x + 9007199254740992 - 35000 as x", "y"),
        ("partition 3: column 'x' holds the integer"),
    )


def test_a_partition_that_fails_is_named(session) -> None:  # type: ignore[no-untyped-def]
    for frame, message in failing(session):
        with pytest.raises(DataError, match=message):
            gm.ols("y ~ x", frame)
