"""What failed jobs of Spark mean; no Spark is needed for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.choice import engine_of
from gramian.engines.spark_errors import explained
from gramian.errors import DataError, EngineError, OptionError, UnreadableError

LOST = "Job aborted due to stage failure: Task 2 in stage 0.0 failed {} times, most recent failure: Lost task 2.3: {}"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("Traceback\nModuleNotFoundError: No module named 'gramian'", EngineError,
         r"the Python of Spark's workers has no package 'gramian': install gramian there .* PYSPARK_PYTHON"),
        ("Total size of results (1.2 GiB) is bigger than spark.driver.maxResultSize (1024.0 MiB)", EngineError,
         "the sums of all partitions exceed spark.driver.maxResultSize: raise it, or coalesce"),
        (LOST.format(4, "Python worker exited unexpectedly (crashed)"), UnreadableError,
         "partition 2: 4 Python workers died while they read it; it may need more memory"),
        (LOST.format(1, "Python worker exited unexpectedly (crashed)"), UnreadableError,
         r"partition 2: 1 Python worker died .* unless its master is, for example, 'local\[2, 4\]'"),
        ("Cannot call methods on a stopped SparkContext.", EngineError, "Spark ended the work: Cannot call"),
        (LOST.format(4, "java.io.IOException: no space"), DataError, "partition 2: Spark cannot read it: Job aborted"),
    ],
)  # fmt: skip
def test_failures_say_what_to_do(text: str, kind: type, message: str) -> None:
    error = explained(RuntimeError(text), None, lambda number: f"partition {number}")
    assert type(error) is kind
    with pytest.raises(kind, match=message):
        raise error


class Answering:
    """Has every attribute, as a frame behind Spark Connect, which takes each name for a column."""

    schema = (SimpleNamespace(name="x", dataType=SimpleNamespace(typeName=lambda: "double")),)

    def __getattr__(self, name: str) -> object:
        return object()


def test_a_frame_behind_spark_connect_is_a_frame() -> None:
    kind = type("DataFrame", (Answering,), {"__module__": "pyspark.sql.connect.dataframe"})
    (unit,) = source_of(kind()).units
    assert unit.name == "spark.DataFrame"


def test_what_is_no_session() -> None:
    with pytest.raises(OptionError, match="session must be a SparkSession, found int"):
        gm.Spark(3)
    with pytest.raises(OptionError, match=r"a distributed.Client or a SparkSession; found 3"):
        engine_of(3)
    with pytest.raises(OptionError, match="did you mean 'spark'"):
        engine_of("sparks")
