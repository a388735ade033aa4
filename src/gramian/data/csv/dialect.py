"""How a CSV file is written: what its user says of it, and what was found in its first line."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gramian.errors import OptionError

UTF8 = "utf-8"
MARKS = '\n\r",;\t0123456789.-'  # what the reader looks for as single bytes
Header = bool | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the fields of a line are separated and written.

    Attributes
    ----------
    delimiter : str or None
        What separates fields; None to take the one of the first line.
    decimal : str
        What stands before the decimals of a number.
    thousands : str or None
        What groups the digits before them.
    na_values : tuple of str
        Texts that are missing values, beside the usual ones.
    encoding : str
        Encoding of the text, by Python's name.
    header : bool, int or tuple of str
        Whether the first line names the columns; they are V1, V2, ... otherwise. A number is that of the lines before
        the names, which are skipped; texts are the names of a file that has none.
    """

    delimiter: str | None = None
    decimal: str = "."
    thousands: str | None = None
    na_values: tuple[str, ...] = ()
    encoding: str = UTF8
    header: Header = True

    def __post_init__(self) -> None:
        for name, mark in (("sep", self.delimiter), ("decimal", self.decimal), ("thousands", self.thousands)):
            if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n'):
                raise OptionError(f"{name} must be one character of ASCII, no quote and no line end, found {mark!r}")
        marks = [mark for mark in (self.delimiter, self.decimal, self.thousands) if mark is not None]
        if len(set(marks)) < len(marks):
            raise OptionError(f"sep, decimal and thousands must differ, found {', '.join(map(repr, marks))}")
        object.__setattr__(self, "encoding", _encoding(self.encoding))
        object.__setattr__(self, "header", _header(self.header))

    @property
    def named(self) -> bool:
        """Whether a line of the file names the columns."""
        return self.header is True or (self.header is not False and isinstance(self.header, int))

    @property
    def skipped(self) -> int:
        """Number of lines before the names, which are no part of the table."""
        return 0 if isinstance(self.header, bool | tuple) else self.header

    @property
    def by_bytes(self) -> bool:
        """Whether line ends, quotes and digits are single bytes, as in ASCII: then a file may be entered anywhere."""
        return MARKS.encode(self.encoding) == MARKS.encode("ascii")

    def names_of(self, first_row: Sequence[str]) -> tuple[str, ...]:
        """Names of the columns, given the fields of the first row, which are the names where the file has them."""
        if isinstance(self.header, tuple):
            return self.header
        return tuple(first_row) if self.named else tuple(f"V{i + 1}" for i in range(len(first_row)))


def _encoding(name: str) -> str:
    """The usual name of an encoding. Raises OptionError for an unknown one, or one that is not of text."""
    try:
        usual = codecs.lookup(name).name
        MARKS.encode(usual)
    except (LookupError, TypeError, ValueError):
        raise OptionError(f"encoding {name!r} is unknown; name one of Python, such as 'latin-1', 'cp1252'") from None
    return UTF8 if usual in ("utf-8", "utf-8-sig") else usual


def _header(header: Any) -> Header:
    """What `Dialect.header` may be: True, False (None), a number of lines, or names. Raises OptionError for others."""
    if header is None or isinstance(header, bool):
        return bool(header)
    if isinstance(header, int) and header >= 0:
        return header or True
    if not isinstance(header, str | int) and isinstance(header, Sequence):
        names = tuple(header)
        if names and all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return names
    raise OptionError(
        "header must be True, False, the number of lines before the names, or the names of all columns, each another; "
        f"found {header!r}"
    )
