"""Source over a Dataset of xarray: its variables along one dimension, with the coordinates of that dimension."""

from __future__ import annotations

from typing import Any

from gramian.batch import Rereadable
from gramian.data.arrays import read_arrays
from gramian.errors import SchemaError, listing

WHERE = "xarray.Dataset"


def read_variables(data: Any) -> Rereadable:
    """A source over the variables of a dataset. Raises SchemaError where they have several dimensions."""
    if len(data.sizes) != 1:
        dimensions = listing(map(str, data.sizes), 5)
        raise SchemaError(f"has the dimensions {dimensions}, rows have one; pass data.to_dataframe()", WHERE)
    # a scalar coordinate says something of the whole, not of a row
    columns = {str(name): variable.values for name, variable in data.variables.items() if variable.dims}
    return read_arrays(columns, WHERE)
