"""The command as people run it: a process of its own, in a folder with a few files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from processes import Done, Forked, started

ROWS = 600


@pytest.fixture
def run(folder: Path, forked: Forked) -> Forked:
    """Run `gramian` with these arguments in the folder: forked, or started where the environment is another."""

    def ran(*arguments: str, **environment: str) -> Done:
        return (started if environment else forked)(folder, *arguments, **environment)

    return ran


@pytest.fixture(scope="session")
def table() -> pa.Table:
    rng = np.random.default_rng(11)
    x, z = rng.normal(size=ROWS), rng.normal(size=ROWS)
    group = rng.choice(["a", "b", "c"], ROWS)
    y = 1 + 2 * x - z + (group == "b") + rng.normal(size=ROWS)
    gone = np.arange(ROWS) < 7
    weight = rng.integers(1, 4, ROWS)
    columns: dict[str, Any] = {"y": y, "x": pa.array(x, mask=gone), "z": z, "w": weight, "group": group}
    return pa.table({**columns, "x2": pa.array(2 * x, mask=gone)})


@pytest.fixture
def folder(tmp_path: Path, table: pa.Table) -> Path:
    """`data.parquet`, `data.csv`, and the same rows as the two files of `parts/`."""
    pq.write_table(table, tmp_path / "data.parquet", row_group_size=200)
    (tmp_path / "parts").mkdir()
    for name, part in (("1", table.slice(0, 350)), ("2", table.slice(350))):
        pq.write_table(part, tmp_path / "parts" / f"{name}.parquet")
    write_csv(table, tmp_path / "data.csv")
    return tmp_path


def write_csv(table: pa.Table, path: Path) -> None:
    rows = table.to_pylist()
    lines = [",".join(table.column_names)]
    lines += [",".join("" if value is None else str(value) for value in row.values()) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
