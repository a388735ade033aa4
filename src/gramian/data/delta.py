"""Source over a Delta table: the files that its log lists, in the version that was loaded."""

from __future__ import annotations

from typing import Any

from gramian.batch import Rereadable
from gramian.data.dataset import read_dataset
from gramian.data.paths import single_path
from gramian.data.read_errors import unreadable_error
from gramian.errors import MissingExtraError

try:
    import deltalake
    from deltalake.exceptions import DeltaError
except ImportError as error:
    raise MissingExtraError("deltalake", "delta") from error


def read_delta(data: Any) -> Rereadable:
    """A source over a `deltalake.DeltaTable`, or the folder of one, whose newest version is read.

    Raises DataError where deltalake cannot say which rows count (deletion vectors, for example).
    """
    path = single_path(data)
    try:
        table = data if path is None else deltalake.DeltaTable(path)
        dataset = table.to_pyarrow_dataset()
    except DeltaError as error:
        raise unreadable_error(error, path or "deltalake.DeltaTable") from error
    return read_dataset(dataset)
