"""What a command says when fewer digits are certified than were wanted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gramian.errors import AccuracyError, AccuracyWarning


@contextmanager
def accuracy(*, strict: bool) -> Iterator[None]:
    """Tell a warning of the fit on stderr; where `strict` it is an error, and there is no result.

    Raises AccuracyError.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AccuracyWarning)
        yield
    for warning in caught:
        if strict and issubclass(warning.category, AccuracyWarning):
            raise AccuracyError(str(warning.message))
        click.echo(f"warning: {warning.message}", err=True)
