"""How the command is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import gramian

COMMAND = (sys.executable, "-m", "gramian")
UNSET = ("GRAMIAN_DEBUG", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
PLAIN = {name: value for name, value in os.environ.items() if name not in UNSET}
# as `python -m gramian`; what was imported is not searched for garbage at the end
PROGRAM = "import gc, sys; gc.freeze(); from gramian.__main__ import main; sys.exit(main())"
OPTIONAL = ("sklearn", "dask", "spark", "build")  # modules that need what a command rarely does


def modules() -> list[str]:
    """Names of the package's modules, those of optional engines apart."""
    package = Path(gramian.__file__).parent
    names = [path.relative_to(package.parent).with_suffix("").parts for path in sorted(package.rglob("*.py"))]
    return [".".join(parts) for parts in names if not {*OPTIONAL, "__main__", "__init__"} & {*parts}]
