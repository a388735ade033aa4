"""Messages of errors on stderr, and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from gramian.cli.flags import as_flags
from gramian.errors import GramianError

INTERNAL, USAGE, BROKEN_PIPE, INTERRUPTED = 1, 2, 141, 130  # the last two as a shell counts: 128 + signal


def report_error(error: BaseException, command: click.Command | None = None) -> int:
    """Print an error to stderr in one message, and return the exit code; GRAMIAN_DEBUG=1 adds the traceback.

    command : the one that failed, whose options messages speak of.
    """
    if os.environ.get("GRAMIAN_DEBUG", "0") not in ("", "0"):
        traceback.print_exception(error)
    if command is not None and isinstance(error, GramianError):
        _say(f"error: {as_flags(str(error), command)}")
        return error.exit_code
    return next(report for kind, report in REPORTERS if isinstance(error, kind))(error)


def _report_gramian_error(error: GramianError) -> int:
    """Message and exit code that the error has itself."""
    _say(f"error: {error}")
    return error.exit_code


def _report_usage_error(error: click.ClickException) -> int:
    """Message of click with the usage of the command."""
    message = error.format_message()
    _say(f"error: {message[:1].lower()}{message[1:].rstrip('.')}")
    context = getattr(error, "ctx", None)
    if context is not None:
        _say(f"{context.command.get_usage(context)}\nmore: {context.command_path} --help")
    return USAGE


def _report_interrupt(error: BaseException) -> int:
    """Message for Ctrl-C, with what can be done next if the run says so."""
    cause = error.__cause__ if isinstance(error, click.Abort) else error  # click puts its own in the place of Ctrl-C's
    _say(f"interrupted: {cause}" if isinstance(cause, KeyboardInterrupt) and str(cause) else "interrupted")
    return INTERRUPTED


def open_missing_streams() -> None:
    """Put streams in the place of stdout and stderr where they were closed (`>&-`).

    What is written to this stdout is an error, as for other programs; messages have no other place to go.
    """
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # it stays open as long as the process


def discard_unread_output() -> int:
    """Close stdout after its reader has ended (as in `| head`), and return the exit code."""
    # Python flushes stdout once more when it ends, and would print an error of its own.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _report_memory_error(error: MemoryError) -> int:
    """Message for exhausted memory."""
    _say("error: there is not enough memory for this model; leave terms out, or use --threads 1")
    return INTERNAL


def _report_system_error(error: OSError) -> int:
    """Message where the system refuses, which for everything but the output is said elsewhere."""
    discard_unread_output()
    place = f"{error.filename} cannot be used" if error.filename else "the output cannot be written"
    _say(f"error: {place} ({error.strerror or error})")
    return GramianError.exit_code


def _report_internal_error(error: BaseException) -> int:
    """Message for an error that should not occur."""
    _say(f"error: {type(error).__name__}: {error}")
    _say("this is a mistake in gramian, sorry; GRAMIAN_DEBUG=1 in the environment shows where it happened")
    return INTERNAL


def _say(text: str) -> None:
    """Print a line to stderr; where that is full, the exit code has to say it."""
    with suppress(OSError):
        click.echo(text, err=True)


# The first matching kind is taken, so that BaseException comes last.
REPORTERS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any], int]], ...] = (
    (GramianError, _report_gramian_error),
    (click.ClickException, _report_usage_error),
    ((click.Abort, KeyboardInterrupt), _report_interrupt),
    (MemoryError, _report_memory_error),
    (OSError, _report_system_error),
    (BaseException, _report_internal_error),
)
