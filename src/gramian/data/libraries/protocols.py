"""Sources over objects that speak a protocol for one batch: Arrow's C data interface, or `__dataframe__`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gramian.batch import Rereadable
from gramian.data.frames import read_frame, type_name
from gramian.data.read_errors import error_context


def read_struct(data: Any) -> Rereadable:
    """A source over an object with `__arrow_c_array__`, whose values must be rows."""
    with error_context(type_name(data)):
        return read_frame(pa.record_batch(data))


def read_interchange(data: Any) -> Rereadable:
    """A source over an object with `__dataframe__`, the protocol by which older libraries exchange frames."""
    from pyarrow.interchange import from_dataframe  # rarely needed

    with error_context(type_name(data)):
        return read_frame(from_dataframe(data))
