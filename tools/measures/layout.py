"""What the measures know about the layout of the repository: the one place to change when files move."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "gramian"

# Patterns are relative to the package; `*` stays in its folder, `**` goes through all of them.
CODECS = ("serialize/*.py", "**/save.py", "**/save_*.py")
CODEC_MECHANISM = ("serialize/codec.py", "serialize/record.py", "serialize/values.py")  # knows no type of the package
NOT_CODECS = ("**/__init__.py", "serialize/file.py", "serialize/lock.py")  # the container (checksums) and its lock
PUBLIC_EDGE = ("api/*.py", "cli/**/*.py", "comparison/run.py")  # where users' options arrive one by one
ESTIMATORS = ("sklearn/*.py",)  # their constructors list all parameters: scikit-learn's convention, its clone needs it
SHIPPED_TESTS = ("testing/*.py",)
ENGINE_METHOD = "fold"  # `fold(source, task, progress)` is what an engine is; every engine repeats it
PARSER = ("formula/grammar.py", "parse")  # a call of this function is one parse

# Where "frame" is not the parametrization of a solve: data frames, a figure's frame, the frame of a signal handler.
OTHER_FRAMES = ("data/**/*.py", "sklearn/*.py", "plots/*.py", "cli/progress.py")

# the position in a file, as Python calls it
FILE_METHOD = ("tell", ("data/ipc.py", "data/libraries/web.py", "serialize/file.py"))


def files(package: Path = PACKAGE) -> tuple[Path, ...]:
    """All Python files of the package, sorted."""
    return tuple(sorted(package.rglob("*.py")))


@cache
def chosen(*patterns: str, package: Path = PACKAGE) -> frozenset[Path]:
    """Files of the package that one of the patterns names."""
    return frozenset(file for pattern in patterns for file in package.glob(pattern))


@cache
def tree(file: Path) -> ast.Module:
    """Syntax tree of a file; several measures look at it."""
    return ast.parse(file.read_text("utf-8"))


def short(file: Path, package: Path = PACKAGE) -> str:
    """Path below the package."""
    return file.relative_to(package).as_posix()


def largest_folder(paths: Sequence[Path]) -> tuple[str, int]:
    """The folder with most files directly in it, and their number; `__init__.py` is not counted."""
    counts: dict[str, int] = {}
    for path in paths:
        if path.name != "__init__.py":
            counts[path.parent.as_posix()] = counts.get(path.parent.as_posix(), 0) + 1
    return max(counts.items(), key=lambda item: item[1])
