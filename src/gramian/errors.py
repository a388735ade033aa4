"""The exceptions and warnings of gramian, and the helpers that word them.

Every error that a user can cause is a `GramianError`. Errors carry the facts as attributes and say what to do; their
`exit_code` is the exit status of the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn


class GramianError(Exception):
    """Base class of all errors of gramian; catch it to catch every error that a user can cause.

    Attributes
    ----------
    exit_code : int
        Exit status of the command line: 1 general, 2 request (options, formula, missing package), 3 data, 4 numerical,
        5 saved files.

    Examples
    --------
    >>> import gramian
    >>> from gramian.errors import GramianError
    >>> try:
    ...     gramian.ols("y ~ x +", {"x": [1.0, 2.0], "y": [1.0, 2.0]})
    ... except GramianError as error:
    ...     print(type(error).__name__, error.exit_code)
    FormulaError 2
    """

    exit_code = 1


class OptionError(GramianError, ValueError):
    """An argument or option has a value that is not allowed, or options contradict each other."""

    exit_code = 2


class FormulaError(GramianError):
    """A formula cannot be read; the message shows the place with a caret.

    Parameters
    ----------
    message : str
        What is wrong and what could stand there.
    text : str
        The formula, or the part of it that is shown.
    position : int or None
        Offset in `text` of the first wrong character; None when no single place is wrong.

    Attributes
    ----------
    message, text, position
        As given.
    """

    exit_code = 2

    def __init__(self, message: str, text: str = "", position: int | None = None) -> None:
        # exceptions are pickled by their `args`, the assembled text: `__reduce__` gives back the arguments of __init__
        super().__init__(message if position is None else f"{message}\n  {text}\n  {' ' * position}^")
        self.message, self.text, self.position = message, text, position

    def __reduce__(self) -> tuple[type, tuple[str, str, int | None]]:
        return type(self), (self.message, self.text, self.position)


class MissingExtraError(GramianError):
    """An optional package is not installed; the message names the extra to install.

    Attributes
    ----------
    package : str
        The package that could not be imported.
    extra : str
        The extra of gramian that installs it, as in ``pip install 'gramian[extra]'``.
    """

    exit_code = 2

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package '{package}': pip install 'gramian[{extra}]'")
        self.package, self.extra = package, extra

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.package, self.extra)


class EngineError(GramianError):
    """The engine lost work that was under way: a cluster was restarted, or the connection is gone."""


class DataError(GramianError):
    """Data cannot be read or used.

    Attributes
    ----------
    message : str
        What is wrong.
    where : str
        File, row group, line or batch; empty when it is not one place.
    """

    exit_code = 3

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message, self.where = message, where

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.message, self.where)


class UnreadableError(DataError):
    """A unit (file or row group, see `where`) cannot be read, or reading it ends the worker process.

    Such units can be skipped where the fit allows it.
    """


class SchemaError(DataError):
    """Columns are missing, or have types that differ between files or cannot be used as the formula uses them."""


class ColumnError(SchemaError):
    """A column does not exist; the message lists the columns and suggests a similar name.

    Attributes
    ----------
    name : str
        The column that was asked for.
    names : tuple of str
        The columns that exist.
    """

    def __init__(self, name: str, names: Iterable[str], where: str = "") -> None:
        self.name, self.names = name, tuple(names)
        super().__init__(_no_column(name, self.names), where)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...], str]]:  # type: ignore[override]
        return type(self), (self.name, self.names, self.where)


class NumericalError(GramianError):
    """The numbers in the data do not determine the requested result."""

    exit_code = 4


class RoundedBasisError(NumericalError):
    """Rounded sums do not tell whether a variable has enough distinct values for its polynomials; exact sums do."""


class NotIdentifiedError(NumericalError):
    """The data do not determine the coefficients: columns of the model are collinear.

    Attributes
    ----------
    aliased : dict of str to str
        Collinear column -> the other columns that explain it, in words.
    """

    def __init__(self, message: str, aliased: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.aliased = aliased or {}


class ConvergenceError(NumericalError):
    """An iteration does not converge; the message says why.

    Attributes
    ----------
    last : object or None
        The fit where the iteration stopped, to look at or to draw: a `CurveFit` whose `converged` is False. None where
        there is none.
    """

    def __init__(self, message: str, last: object = None) -> None:
        super().__init__(message)
        self.last = last

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (*self.args, self.last)


class SeparationError(NumericalError):
    """Some columns separate the outcome, so that the maximum likelihood estimate is infinite.

    Attributes
    ----------
    columns : tuple of str
        Names of the separating columns.

    References
    ----------
    A. Albert and J. A. Anderson, On the existence of maximum likelihood estimates in logistic regression models,
    Biometrika 71 (1984), 1-10.
    """

    def __init__(self, message: str, columns: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.columns = columns


class AccuracyError(NumericalError):
    """The number of digits that was required cannot be certified."""


class AccuracyWarning(UserWarning):
    """Fewer digits are certified than requested; the message says how many, why, and what would give more."""


class DataWarning(UserWarning):
    """The data are probably not what was meant; the message says why, and what would say so."""


class EngineWarning(UserWarning):
    """The engine waits for something that may never come, such as the workers of a cluster."""


class ArtifactError(GramianError):
    """A saved file is damaged, was not written by gramian, or has an unknown version."""

    exit_code = 5


def first_line(error: BaseException) -> str:
    """The first line of the message of an exception, or its type where there is none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A suggestion of the form "; did you mean 'x'?" for a misspelt name; empty when no name is similar."""
    all_names = list(names)
    folded = {n.casefold(): n for n in all_names}
    close = [folded[m] for m in get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    return f"; did you mean '{close[0]}'?" if close else ""


def listing(names: Iterable[str], limit: int = 12) -> str:
    """The first `limit` names, separated by commas, then how many more there are."""
    all_names = list(names)
    shown = ", ".join(all_names[:limit])
    return shown if len(all_names) <= limit else f"{shown}, ... {len(all_names) - limit} more"


def _no_column(name: str, names: tuple[str, ...]) -> str:
    """Message for a column that does not exist."""
    columns = f"{len(names)} column{'s'[: len(names) != 1]}"
    return f"no column '{name}'{did_you_mean(name, names)} ({columns}: {listing(names)})"


def one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    """The value of an option that must be one of `allowed`.

    Raises OptionError for any other value; `name` is the name of the option in the message.
    """
    allowed = tuple(allowed)
    if value not in allowed:
        raise no_choice(name, value, allowed)
    return value


def no_choice(name: str, value: object, allowed: Sequence[str]) -> OptionError:
    """The error for an option with a value that is not in `allowed`."""
    choices = ", ".join(repr(a) for a in allowed)
    return OptionError(f"{name} must be one of {choices}, found {value!r}{did_you_mean(str(value), allowed)}")


def not_offered(what: str, instead: str) -> Callable[..., NoReturn]:
    """A method that a fit does not have, though others do: it raises OptionError, which says why and what to do."""

    def refuse(self: object, *arguments: Any, **options: Any) -> NoReturn:
        """Not offered for this model: raises OptionError, which says what to do instead."""
        raise OptionError(f"{type(self).__name__} has no {what}: {instead}")

    return refuse
