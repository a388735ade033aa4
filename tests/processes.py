"""The command in processes of its own: started as a shell does, or forked from one that has imported the package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gramian

Done = subprocess.CompletedProcess[str]
Forked = Callable[..., Done]
COMMAND = (sys.executable, "-m", "gramian")
UNSET = ("GRAMIAN_DEBUG", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
PLAIN = {name: value for name, value in os.environ.items() if name not in UNSET}
PROGRAM = "import sys; from gramian.__main__ import main; sys.exit(main())"  # as `python -m gramian`
# modules that need what a command rarely does; polars has a thread that a child would wait for
OPTIONAL = ("sklearn", "dask", "spark", "polars", "build")


def modules() -> list[str]:
    """Names of the package's modules, those of optional engines apart."""
    package = Path(gramian.__file__).parent
    names = [path.relative_to(package.parent).with_suffix("").parts for path in sorted(package.rglob("*.py"))]
    return [".".join(parts) for parts in names if not {*OPTIONAL, "__main__", "__init__"} & {*parts}]


def started(folder: Path, *arguments: str, **environment: str) -> Done:
    """Run `gramian` as a shell does."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=PLAIN | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
