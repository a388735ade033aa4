"""A Dataset of Ray is data: in order, read again, and refused where its rows differ from pass to pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from data.reading import count, everything
from gramian.data.source import source_of
from gramian.errors import DataError, GramianError
from gramian.schema import Kind

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'gramian[ray]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # of ray itself: files and processes that it leaves open, and advice
ROWS = 30_000


@pytest.fixture(scope="module")
def datasets() -> Iterator[Any]:
    """Ray on two cores of this machine."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray.data
    ray.shutdown()


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(8)
    x = pa.array(rng.normal(size=ROWS), mask=rng.random(ROWS) < 0.01)
    return pa.table({"x": x, "s": rng.choice(["u", "v", "w"], ROWS), "y": rng.normal(size=ROWS), "n": np.arange(ROWS)})


def test_a_dataset_of_blocks_yields_the_table(datasets: Any, table: pa.Table) -> None:
    data = datasets.from_arrow([table.slice(at, 5000) for at in range(0, ROWS, 5000)])
    source = source_of(data)
    assert {f.name: f.kind for f in source.schema.fields} == {
        "x": Kind.NUMBER, "s": Kind.TEXT, "y": Kind.NUMBER, "n": Kind.NUMBER
    }  # fmt: skip
    assert everything(source) == table.to_pydict()
    assert everything(source, ["n"])["n"] == list(range(ROWS))  # again, and in order
    assert (count(source), source.rereadable) == (ROWS, True)
    assert not data.context.execution_options.preserve_order  # as it was
    fit, expected = gm.ols("y ~ x + s", data, vcov="HC1"), gm.ols("y ~ x + s", table, vcov="HC1")
    assert fit.coefficients == pytest.approx(expected.coefficients, rel=1e-9)
    assert fit.std_errors == pytest.approx(expected.std_errors, rel=1e-9)
    assert np.array_equal(fit.predict(data), fit.predict(table), equal_nan=True)


def test_frames_of_pandas_and_steps_are_read(datasets: Any, table: pa.Table) -> None:
    data = datasets.from_pandas(table.to_pandas()).map_batches(lambda rows: {**rows, "z": rows["y"] * 2})
    fit = gm.glm("z ~ x + s", data, "gaussian")
    assert fit["s[v]"] == pytest.approx(2 * gm.ols("y ~ x + s", table)["s[v]"], rel=1e-6)


def test_what_differs_fails_or_is_not_there_is_named(datasets: Any, table: pa.Table) -> None:
    data = datasets.from_arrow(table)
    drawn = data.map_batches(lambda rows: {"x": np.random.default_rng().normal(size=len(rows["y"])), "y": rows["y"]})
    with pytest.raises(DataError, match=r"found other values in 'x', though every pass .* pass data.materialize\(\)"):
        gm.ols("y ~ x", drawn, vcov="HC1")
    assert gm.ols("y ~ x", drawn.materialize(), vcov="HC1").rows == ROWS

    def failing(rows: Any) -> Any:
        raise ZeroDivisionError("no such rate")

    with pytest.raises(DataError, match=r"ray\.data\.Dataset: cannot be read"):
        gm.ols("y ~ x", data.map_batches(failing))
    with pytest.raises(GramianError, match="no column 'xx'"):
        gm.ols("y ~ xx", data)
