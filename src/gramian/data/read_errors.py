"""Turns exceptions of the libraries that read files into errors that name the place."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from gramian.errors import DataError, GramianError, first_line

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it cannot read .xz either
    LZMAError = EOFError  # type: ignore[misc, assignment]

READ_ERRORS = (pa.ArrowException, OSError, EOFError, ValueError, TypeError, zlib.error, LZMAError)
# how Arrow reports what S3, Google's and Microsoft's stores answer: nothing is known of the file then
STORES = re.compile(r"(?:AWS Error|google::cloud::Status|Azure\b).*")
WRITE_ANEW = "write it without them, or give its rows as a frame of the engine that wrote it"


@contextmanager
def error_context(where: str) -> Iterator[None]:
    """A context in which exceptions of readers become a DataError at `where`."""
    try:
        yield
    except GramianError:
        raise
    except READ_ERRORS as error:
        raise unreadable_error(error, where) from error


def unreadable_error(error: BaseException, where: str) -> DataError:
    """A DataError with the first line of the message of a reader, or with what an object store answered."""
    if answer := STORES.search(first_line(error)):
        message = f"does not arrive from its store ({answer[0]}); check the credentials, or try again later"
        return DataError(message, where)
    return DataError(f"cannot be read, it is damaged or not what its name says ({first_line(error)})", where)


def table_error(error: BaseException, where: str, library: str) -> DataError:
    """A DataError for what the library of a format of tables raised: features that it lacks, or damage."""
    if "upport" not in str(error):
        return unreadable_error(error, where)
    message = f"has features that {library} does not read ({first_line(error)}); {WRITE_ANEW}"
    return DataError(message, where)
