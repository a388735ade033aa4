"""Errors that carry facts and say what to do.

Every error that a user can cause is a `GramianError`; its `exit_code` is what the command line returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class GramianError(Exception):
    """Anything that `gramian` refuses to do."""

    exit_code = 1


class OptionError(GramianError):
    """An option whose value makes no sense."""

    exit_code = 2


class FormulaError(GramianError):
    """A formula that cannot be read, with the place shown by a caret.

    `text` is the formula, `position` the offset of the first wrong character (None when no place is to blame).
    """

    exit_code = 2

    def __init__(self, message: str, text: str = "", position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message}\n  {text}\n  {' ' * position}^")
        self.message, self.text, self.position = message, text, position

    def __reduce__(self) -> tuple[type, tuple[str, str, int | None]]:
        return type(self), (self.message, self.text, self.position)


class MissingExtraError(GramianError):
    """An optional package that is not installed."""

    exit_code = 2

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package '{package}': pip install 'gramian[{extra}]'")
        self.package, self.extra = package, extra

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.package, self.extra)


class EngineError(GramianError):
    """Work that its engine lost: a cluster that was restarted, a connection that is gone."""


class DataError(GramianError):
    """Data that cannot be read or used; `where` names the file, row group, line or batch."""

    exit_code = 3

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message, self.where = message, where

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.message, self.where)


class UnreadableError(DataError):
    """A unit (file or row group, `where`) that cannot be read, or that brings down whoever reads it."""


class SchemaError(DataError):
    """Columns or types that do not agree."""


class ColumnError(SchemaError):
    """A column that is not there."""

    def __init__(self, name: str, names: Iterable[str], where: str = "") -> None:
        self.name, self.names = name, tuple(names)
        super().__init__(_no_column(name, self.names), where)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...], str]]:  # type: ignore[override]
        return type(self), (self.name, self.names, self.where)


class NumericalError(GramianError):
    """Numbers that do not determine an answer."""

    exit_code = 4


class NotIdentifiedError(NumericalError):
    """Coefficients that the data do not determine; `aliased` maps each column to what explains it."""

    def __init__(self, message: str, aliased: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.aliased = aliased or {}


class ConvergenceError(NumericalError):
    """An iteration that does not settle; the message says why."""


class SeparationError(NumericalError):
    """An outcome that some columns separate, so that no finite coefficients are best; `columns` names them."""

    def __init__(self, message: str, columns: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.columns = columns


class AccuracyError(NumericalError):
    """Digits that were insisted on cannot be certified."""


class AccuracyWarning(UserWarning):
    """Fewer digits are certified than were wanted; which, because of what, and what would give more."""


class ArtifactError(GramianError):
    """A saved file that is damaged, foreign or of an unknown version."""

    exit_code = 5


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A suggestion in the form "; did you mean 'x'?", empty when nothing is close."""
    all_names = list(names)
    folded = {n.casefold(): n for n in all_names}
    close = [folded[m] for m in get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    return f"; did you mean '{close[0]}'?" if close else ""


def listing(names: Iterable[str], limit: int = 12) -> str:
    """The first names of a list, then how many are left."""
    all_names = list(names)
    shown = ", ".join(all_names[:limit])
    return shown if len(all_names) <= limit else f"{shown}, ... {len(all_names) - limit} more"


def _no_column(name: str, names: tuple[str, ...]) -> str:
    columns = f"{len(names)} column{'s'[: len(names) != 1]}"
    return f"no column '{name}'{did_you_mean(name, names)} ({columns}: {listing(names)})"


def one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    """The value, if it is allowed."""
    allowed = tuple(allowed)
    if value not in allowed:
        choices = ", ".join(repr(a) for a in allowed)
        raise OptionError(f"{name} must be one of {choices}, found {value!r}{did_you_mean(str(value), allowed)}")
    return value
