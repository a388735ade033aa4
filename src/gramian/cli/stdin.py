"""Data that come through a pipe: `-` among DATA is a copy of the standard input, in a file that the command deletes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from typing import BinaryIO

import click

from gramian.errors import OptionError

STDIN = "-"


def with_stdin(ctx: click.Context, option: click.Parameter, paths: Sequence[str]) -> Sequence[str]:
    """The paths, with that of a copy of the standard input in the place of `-`. Raises OptionError for two of them."""
    if STDIN not in paths:
        return paths
    if list(paths).count(STDIN) > 1:
        raise OptionError("- (the standard input) is given twice, but can be read once")
    folder = tempfile.mkdtemp(prefix="gramian-")
    ctx.call_on_close(lambda: shutil.rmtree(folder, ignore_errors=True))
    copy = _copied(sys.stdin.buffer, folder)
    return tuple(copy if path == STDIN else path for path in paths)


def _copied(stream: BinaryIO, folder: str) -> str:
    """The path of a file with the content of a stream, in this folder. Raises OptionError where there is none."""
    from gramian.data.libraries.copies import copy_stream, with_suffix  # Arrow, which the help does without

    path = os.path.join(folder, "stdin")
    if not copy_stream(stream.read, path):
        raise OptionError("the standard input, which - stands for, is empty")
    return with_suffix(path)
