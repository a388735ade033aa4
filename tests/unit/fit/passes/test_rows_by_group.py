"""Groups read together: the fits are those of each group's own rows, however many groups fit into memory."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes import memory
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.keys import by_columns
from gramian.fit.passes.row_filter import Subset
from gramian.fit.passes.rows_by_group import RowsByGroup

ROWS, GROUPS = 2_400, 12
LEVELS = ("u", "v", "w")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(8)
    x = rng.normal(size=ROWS)
    return pa.table(
        {
            "y": 1.0 + x + rng.normal(size=ROWS),
            "c": rng.poisson(np.exp(0.3 * x)),
            "x": pa.array(x, mask=rng.random(ROWS) < 0.05),
            "f": pa.array(rng.choice(LEVELS, ROWS)),
            "coded": pa.array(rng.choice(LEVELS, ROWS)).dictionary_encode(),
            "flag": rng.random(ROWS) < 0.5,
            "day": pa.array([date(2020, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 40, ROWS)]),
            "price": pa.array(rng.integers(1, 1000, ROWS)).cast(pa.decimal128(21, 2)),
            "g": pa.array(rng.integers(0, GROUPS, ROWS), mask=rng.random(ROWS) < 0.02),
        }
    )


@pytest.fixture(scope="module")
def files(table, tmp_path_factory):
    """Three files with dictionaries of their own, so that parts are of different types."""
    folder = tmp_path_factory.mktemp("groups")
    for i, start in enumerate(range(0, ROWS, 800)):
        part = table.slice(start, 800)
        if i == 1:
            part = part.set_column(1, "c", part["c"].cast(pa.int16()))
        pq.write_table(part, folder / f"{i}.parquet", row_group_size=300, store_schema=i == 0)
    return str(folder / "*.parquet")


@pytest.mark.parametrize("kind", ["table", "pandas", "files"])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.0])
def test_the_rows_of_groups_are_those_of_a_filter(kind, share, table, files, monkeypatch):
    data = {"table": table, "pandas": table.to_pandas(), "files": files}[kind]
    source, by, columns = source_of(data), by_columns("g"), tuple(name for name in table.column_names if name != "g")
    keys = {(g,): int(n) for g, n in enumerate(np.bincount(table["g"].drop_null()))}
    rows = RowsByGroup(PassRunner(source, Local(2)), by, columns, keys)
    monkeypatch.setattr(memory, "MAX_CACHE_BYTES", int(share * 4 * 8 * (len(columns) + 1) * (sum(keys.values()) + 9)))
    for key in keys:
        assert values(rows.of(key).source, columns) == values(Subset(source, by, key), columns)
        assert rows.was_fetched(key) == (share > 0)
    assert rows.passes == {1.0: 1, 0.3: 4, 0.0: 0}[share]
    assert values(rows.of(None).source, columns) == values(Subset(source, by, None), columns)


def values(source, columns):
    """All values by column, and the numbers of the rows."""
    out = {name: [] for name in columns}
    for unit in source.units:
        for batch in unit.batches(columns):
            for name in columns:
                out[name] += batch.arrow(name).to_pylist()
            out.setdefault("rows", []).extend(batch.row_numbers.tolist())
    return {name: [None if v != v else v for v in found] for name, found in out.items()}


@pytest.mark.parametrize("limit", [2**28, 60_000, 0])
def test_fits_by_group_do_not_depend_on_how_many_groups_fit_into_memory(limit, files, monkeypatch):
    fits = gm.glm("c ~ x + f + price", files, family="poisson", by="g", vcov="HC1")
    robust = gm.ols("y ~ x + coded", files, by="g", vcov={"cluster": "day"})
    monkeypatch.setattr(memory, "MAX_CACHE_BYTES", limit)
    again = gm.glm("c ~ x + f + price", files, family="poisson", by="g", vcov="HC1")
    for key in fits:
        np.testing.assert_allclose(again[key].coefficients, fits[key].coefficients, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(again[key].std_errors, fits[key].std_errors, rtol=1e-6)
    other = gm.ols("y ~ x + coded", files, by="g", vcov={"cluster": "day"})
    for key in robust:
        np.testing.assert_allclose(other[key].std_errors, robust[key].std_errors, rtol=1e-12)


def test_all_groups_are_read_in_two_passes(table):
    fits = gm.glm("c ~ x", table, family="poisson", by="g")
    assert fits.grouped.passes == 2
    assert "12 fits from" in fits.summary()
    own = table.filter(pa.compute.equal(table["g"], 3))
    assert fits[3].coefficients == pytest.approx(gm.glm("c ~ x", own, family="poisson").coefficients, rel=1e-9)


def test_a_group_that_is_too_large_leaves_the_rows_of_others_in_memory(monkeypatch):
    data = {"x": np.arange(1000.0), "g": np.repeat([0, 1, 2], [100, 800, 100])}
    keys = {(0,): 100, (1,): 800, (2,): 100}
    monkeypatch.setattr(memory, "MAX_CACHE_BYTES", 4 * 8 * 2 * 400)
    rows = RowsByGroup(PassRunner(source_of(data), Local(1)), by_columns("g"), ("x",), keys)
    assert [values(rows.of(key).source, ("x",))["x"][0] for key in keys] == [0.0, 100.0, 900.0]
    assert [rows.was_fetched(key) for key in keys] == [True, False, True]
    assert rows.passes == 1
