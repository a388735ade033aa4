"""Handling of warnings by commands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from gramian.cli.flags import as_flags
from gramian.errors import AccuracyError, AccuracyWarning


@contextmanager
def accuracy(*, strict: bool) -> Iterator[None]:
    """Print warnings inside the block to stderr; where `strict`, raise AccuracyError instead.

    So with --strict there is no result with too few certified digits.
    """
    with warnings.catch_warnings(record=True) as caught:
        # Python shows a warning once for each place in the code; every fit has to warn.
        warnings.simplefilter("always", AccuracyWarning)
        yield
    for warning in caught:
        if strict and issubclass(warning.category, AccuracyWarning):
            raise AccuracyError(str(warning.message))
        click.echo(f"warning: {_in_flags(str(warning.message))}", err=True)


def check_certified(fit: Any) -> None:
    """Raise AccuracyError where the numbers of a fit, or of one of several fits, have no certified digits."""
    for each in fit.values() if isinstance(fit, Mapping) else [fit]:
        if reason := each.to_dict()["accuracy"].get("not_certified"):
            raise AccuracyError(reason)


def _in_flags(message: str) -> str:
    """A message of the library in the options of the command that runs."""
    context = click.get_current_context(silent=True)
    return message if context is None else as_flags(message, context.command)
