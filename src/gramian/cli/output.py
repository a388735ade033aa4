"""Output of commands: to a console as wide as tables need, and to files that are replaced in one step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table

from gramian.errors import DataError, OptionError

MAX_LINE = 10_000  # characters; wide enough for every table


def show(renderables: Iterable[RenderableType]) -> None:
    """Print to stdout without cutting anything off.

    On a terminal lines are as wide as it is, and wider where a table needs it; in a file or pipe as wide as needed.
    """
    console, renderables = Console(emoji=False, markup=False, highlight=False), list(renderables)
    if console.is_terminal:
        console.width = max(console.width, *(_needed_width(console, renderable) for renderable in renderables))
        console.print(*renderables, sep="\n")
        return
    console.width = max(_measured(console, renderable).maximum for renderable in renderables)
    with console.capture() as captured:
        console.print(*renderables, sep="\n")
    # rich fills lines with spaces up to the width.
    for line in captured.get().splitlines():
        print(line.rstrip())


def _needed_width(console: Console, renderable: RenderableType) -> int:
    """Characters that a part needs at least; tables with columns that do not wrap need all of their width."""
    measured = _measured(console, renderable)
    rigid = isinstance(renderable, Table) and any(column.no_wrap for column in renderable.columns)
    return measured.maximum if rigid else measured.minimum


def _measured(console: Console, renderable: RenderableType) -> Measurement:
    """Smallest and largest sensible widths of a part."""
    return Measurement.get(console, console.options.update(width=MAX_LINE), renderable)


def check_output_path(target: Path | None, inputs: Iterable[str] = ()) -> None:
    """Raise OptionError, before any data are read, where the file cannot be written or is one of the inputs."""
    if target is None:
        return
    if target.is_dir():
        raise OptionError(f"{target} is a folder; name a file in it")
    if target.exists() and not target.is_file():
        raise OptionError(f"{target} is not a file, so it cannot be replaced by one")
    folder = target.parent
    if not folder.is_dir():
        raise OptionError(f"{target} cannot be written: there is no folder '{folder}'")
    if not os.access(folder, os.W_OK):
        raise OptionError(f"{target} cannot be written: no permission in the folder '{folder.resolve()}'")
    if target.exists() and any(os.path.exists(name) and os.path.samefile(target, name) for name in inputs):
        raise OptionError(f"{target} is one of the inputs; write to another file")


def check_different_outputs(**places: Path | None) -> None:
    """Raise OptionError where two options write to one file. places : option -> file."""
    options: dict[Path, str] = {}
    for option, place in places.items():
        if place is not None and (other := options.setdefault(place.resolve(), option)) != option:
            raise OptionError(f"--{other} and --{option} write to one file, {place}; name two")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Context with a temporary file next to the target, which replaces the target at the end.

    Nothing is left behind after an error, and a reader never sees half a file. Raises DataError where the system
    refuses, for example because the disk is full.
    """
    target = target.resolve()  # replace the file that a link points to, not the link
    temporary = target.parent / f".{target.name}.{os.getpid()}"
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror or error})", str(target)) from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
