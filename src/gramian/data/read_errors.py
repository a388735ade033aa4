"""What readers underneath complain of, told as an error that names the place."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from gramian.errors import DataError, GramianError

READ_ERRORS = (pa.ArrowException, OSError, EOFError, ValueError, TypeError, zlib.error)


@contextmanager
def error_context(where: str) -> Iterator[None]:
    """Turn any complaint of a reader into a DataError at `where`."""
    try:
        yield
    except GramianError:
        raise
    except READ_ERRORS as error:
        raise unreadable_error(error, where) from error


def unreadable_error(error: BaseException, where: str) -> DataError:
    """A DataError with the first line of what a reader said."""
    message = str(error).strip().partition("\n")[0] or type(error).__name__
    return DataError(f"cannot be read, it is damaged or not what its name says ({message})", where)
