"""Spark Connect: a session that speaks to Spark through a socket gives frames and runs passes as any other."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("pyspark", reason="pyspark is not installed: pip install 'gramian[spark]'")
pytest.importorskip("grpc", reason="Spark Connect is not installed: pip install 'pyspark[connect]'")
if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
    pytest.skip("there is no Java, which Spark needs", allow_module_level=True)

import gramian as gm
from gramian.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore")  # of pyspark and grpc
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
}


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """A server of Spark Connect on two cores of this machine, and a session of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.remote("local[2]")
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        found = builder.getOrCreate()
        yield found
        found.stop()


def test_frames_and_files_by_spark_connect(session: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    x, f = rng.normal(size=3000), rng.choice(list("abc"), 3000)
    table = pa.table({"x": x, "f": f, "y": 2.0 * x + (f == "b") + rng.normal(size=3000)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=700)
    assert type(session).__module__.startswith("pyspark.sql.connect.")
    frame, here = session.read.parquet(str(tmp_path)), gm.ols("y ~ x + f", tmp_path, vcov="HC1")
    there = gm.ols("y ~ x + f", frame, vcov="HC1")
    assert there.rows == 3000
    assert there.coefficients == pytest.approx(here.coefficients, rel=1e-9)
    assert there.std_errors == pytest.approx(here.std_errors, rel=1e-9)
    files = gm.ols("y ~ x + f", tmp_path, vcov="HC1", engine=session)
    assert files.coefficients.tobytes() == here.coefficients.tobytes()
    with pytest.raises(DataError, match=r"Spark cannot read it: .*no such rate"):
        gm.ols("y ~ x", session.range(9).selectExpr("id as y", "if(id = 7, raise_error('no such rate'), 1.0D) as x"))
