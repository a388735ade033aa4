"""What is said when a command fails, and its exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from gramian.errors import GramianError

INTERNAL, USAGE, STOPPED_READING, INTERRUPTED = 1, 2, 141, 130  # the last two as a shell counts: 128 + signal


def failed(error: BaseException) -> int:
    """Tell an error on stderr, in one message without a traceback; returns the exit code."""
    if os.environ.get("GRAMIAN_DEBUG", "0") not in ("", "0"):
        traceback.print_exception(error)
    return next(tell for kind, tell in TELLERS if isinstance(error, kind))(error)


def _refused(error: GramianError) -> int:
    _say(f"error: {error}")
    return error.exit_code


def _misused(error: click.ClickException) -> int:
    message = error.format_message()
    _say(f"error: {message[:1].lower()}{message[1:].rstrip('.')}")
    context = getattr(error, "ctx", None)
    if context is not None:
        _say(f"{context.command.get_usage(context)}\nmore: {context.command_path} --help")
    return USAGE


def _interrupted(error: BaseException) -> int:
    told = error.__cause__ if isinstance(error, click.Abort) else error  # click puts its own in the place of Ctrl-C's
    _say(f"interrupted: {told}" if isinstance(told, KeyboardInterrupt) and str(told) else "interrupted")
    return INTERRUPTED


def unread() -> int:
    """Whoever read the output has enough: be quiet, also when Python flushes at its end; returns the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return STOPPED_READING


def _starved(error: MemoryError) -> int:
    _say("error: there is not enough memory for this model; leave terms out, or use --threads 1")
    return INTERNAL


def _surprised(error: BaseException) -> int:
    _say(f"error: {type(error).__name__}: {error}")
    _say("this is a mistake in gramian, sorry; GRAMIAN_DEBUG=1 in the environment shows where it happened")
    return INTERNAL


def _say(text: str) -> None:
    click.echo(text, err=True)


TELLERS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any], int]], ...] = (
    (GramianError, _refused),
    (click.ClickException, _misused),
    ((click.Abort, KeyboardInterrupt), _interrupted),
    (MemoryError, _starved),
    (BaseException, _surprised),
)
