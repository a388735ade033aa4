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
# how a file begins -> what its name ends in; text is CSV, unless it begins as JSON
MAGIC = (
    (b"PAR1", ".parquet"),
    (b"ARROW1", ".arrow"),
    (b"\xff\xff\xff\xff", ".arrow"),
    (b"ORC", ".orc"),
    (b"\x1f\x8b", ".csv.gz"),
    (b"BZh", ".csv.bz2"),
    (b"\xfd7zXZ\x00", ".csv.xz"),
    (b"\x28\xb5\x2f\xfd", ".csv.zst"),
)


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
    """The path of a file with the content of a stream, in this folder; its name ends as its format does."""
    unnamed = os.path.join(folder, "stdin")
    with open(unnamed, "wb") as file:
        shutil.copyfileobj(stream, file)
    path = unnamed + _suffix(unnamed)
    os.rename(unnamed, path)
    return path


def _suffix(path: str) -> str:
    """What the name of a file should end in, by its first bytes. Raises OptionError for an empty one."""
    with open(path, "rb") as file:
        head = file.read(1024)
    if not head:
        raise OptionError("the standard input, which - stands for, is empty")
    text = ".json" if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else ".csv"
    return next((suffix for magic, suffix in MAGIC if head.startswith(magic)), text)
