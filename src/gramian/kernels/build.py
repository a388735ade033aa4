"""Compiles the kernels, one library for each instruction set, beside this file or elsewhere.

`python src/gramian/kernels/build.py` does it in a checkout; the build hook of the package calls `build`. Needs nothing
but a C++ compiler, not even the rest of the package.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE / "kernels.cpp"
# Nothing is contracted to a fused multiply-add or reordered: the source says which operation rounds.
FLAGS = [
    "-O3",
    "-std=c++17",
    "-fPIC",
    "-shared",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
]
ARCHITECTURES = {"v4": ["-march=x86-64-v4"], "v3": ["-march=x86-64-v3"], "portable": []}  # beside the default


def compiler() -> str | None:
    """The C++ compiler: that of the environment variable CXX, or the first that is found."""
    found = (shutil.which(name) for name in (os.environ.get("CXX"), "c++", "g++", "clang++") if name)
    return next((path for path in found if path), None)


def instruction_sets() -> list[str]:
    """Names of the libraries for this machine."""
    return list(ARCHITECTURES) if platform.machine().lower() in ("x86_64", "amd64") else ["portable"]


def build(folder: Path) -> list[Path]:
    """The libraries, compiled into a folder; none where there is no compiler or it fails."""
    command = compiler()
    if command is None or os.environ.get("GRAMIAN_PURE") == "1":
        return []
    targets = {folder / f"_kernel_{name}.so": ARCHITECTURES[name] for name in instruction_sets()}
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        made = {target: Path(temporary) / target.name for target in targets}
        jobs = [_start([command, *FLAGS, *targets[t], str(SOURCE), "-o", str(made[t]), "-lm"]) for t in targets]
        results = [1 if job is None else job.wait() for job in jobs]
        if any(results):
            return []
        for target, path in made.items():
            path.replace(target)  # at once: another process may have loaded the library of before
    return list(targets)


def _start(command: list[str]) -> subprocess.Popen[bytes] | None:
    """A compiler at work, in silence; None where it cannot be started."""
    try:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None


if __name__ == "__main__":
    libraries = build(HERE)
    print("\n".join(map(str, libraries)) or "no kernels were built: NumPy does the work")
    sys.exit(not libraries)
