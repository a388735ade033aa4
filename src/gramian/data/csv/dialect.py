"""How a CSV file is written: what its user says of it, and what was found in its first line."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from gramian.errors import OptionError

UTF8 = "utf-8"
MARKS = '\n\r",;\t0123456789.-'  # what the reader looks for as single bytes


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
    header : bool
        Whether the first line names the columns; they are V1, V2, ... otherwise.
    """

    delimiter: str | None = None
    decimal: str = "."
    thousands: str | None = None
    na_values: tuple[str, ...] = ()
    encoding: str = UTF8
    header: bool = True

    def __post_init__(self) -> None:
        for name, mark in (("sep", self.delimiter), ("decimal", self.decimal), ("thousands", self.thousands)):
            if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n'):
                raise OptionError(f"{name} must be one character of ASCII, no quote and no line end, found {mark!r}")
        marks = [mark for mark in (self.delimiter, self.decimal, self.thousands) if mark is not None]
        if len(set(marks)) < len(marks):
            raise OptionError(f"sep, decimal and thousands must differ, found {', '.join(map(repr, marks))}")
        object.__setattr__(self, "encoding", _encoding(self.encoding))


def _encoding(name: str) -> str:
    """The usual name of an encoding. Raises OptionError for an unknown one, or one that the reader cannot cut."""
    try:
        usual = codecs.lookup(name).name
        as_ascii = MARKS.encode(usual) == MARKS.encode("ascii")
    except (LookupError, TypeError, ValueError):
        raise OptionError(f"encoding {name!r} is unknown; name one of Python, such as 'latin-1', 'cp1252'") from None
    if not as_ascii:
        raise OptionError(f"encoding {name!r} cannot be read here; save the file as UTF-8")
    return UTF8 if usual in ("utf-8", "utf-8-sig") else usual
