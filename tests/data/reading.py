"""What a source yields, as plain Python values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Batch, Source


def column(batch: Batch, name: str) -> list[Any]:
    values = batch.columns[name] if name in batch.columns else batch.matrices[name.split("[")[0]]
    if name not in batch.columns:
        values = values[:, int(name.split("[")[1][:-1])]
    if isinstance(values, np.ndarray):
        return [None if v != v else v for v in values.tolist()]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.to_pylist()


def everything(source: Source, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
    names = source.schema.names if names is None else names
    found: dict[str, list[Any]] = {name: [] for name in names}
    for unit in source.units:
        for batch in unit.batches(names):
            for name in names:
                values = column(batch, name)
                assert len(values) == batch.rows
                found[name] += values
    return found


def count(source: Source, names: Sequence[str] = ()) -> int:
    return sum(batch.rows for unit in source.units for batch in unit.batches(names))
