"""Where figures come from: the machine, the versions, the threads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import pyarrow as pa
from threadpoolctl import threadpool_info

from gramian.kernels.library import library

PACKAGES = (
    "gramian",
    "numpy",
    "scipy",
    "pyarrow",
    "duckdb",
    "pandas",
    "statsmodels",
    "pyfixest",
    "numba",
    "formulaic",
    "fereg",
    "glum",
    "tabmat",
    "scikit-learn",
    "scikit-learn-intelex",
)
SETTINGS = ("OMP_", "OPENBLAS_", "MKL_", "ARROW_", "MALLOC_", "NUMBA_", "PYTHON")
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
BLAS_FACTS = ("internal_api", "version", "num_threads", "architecture")  # the last is the kernel
ROOT = Path(__file__).resolve().parent.parent


def as_shipped() -> None:
    """Start this program anew without settings that make BLAS slower than it is as shipped."""
    if any(os.environ.pop(name, None) is not None for name in SLOWING):
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def facts() -> dict[str, Any]:
    """Everything that a figure may depend on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "cpu": _line("/proc/cpuinfo", "model name") or platform.processor(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": int((_line("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) * 1024,
            "system": platform.platform(),
            "load": os.getloadavg(),
        },
        "python": platform.python_version(),
        "kernels": None if (compiled := library()) is None else compiled.name,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "threads": {
            "blas": [
                {k: pool[k] for k in ("internal_api", "version", "num_threads", "architecture") if k in pool}
                for pool in threadpool_info()
            ],
            "arrow_cpu": pa.cpu_count(),
            "arrow_io": pa.io_thread_count(),
            "arrow_memory_pool": pa.default_memory_pool().backend_name,
        },
        "environment": {k: v for k, v in sorted(os.environ.items()) if k.startswith(SETTINGS)},
    }


class Usage(NamedTuple):
    """Processor seconds since the machine started: of everything, and of this process with its children."""

    clock: float
    everything: float
    own: float

    @classmethod
    def now(cls) -> Usage:
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
        everything = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        return cls(monotonic(), everything, sum(os.times()[:4]))

    def taken_by_others(self, earlier: Usage) -> float:
        """Share of the machine's processor time since then that other processes had, 0 to 1."""
        others = (self.everything - earlier.everything) - (self.own - earlier.own)
        return max(others, 0.0) / max((self.clock - earlier.clock) * (os.cpu_count() or 1), 1e-9)


def _line(path: str, key: str) -> str | None:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit, with a plus where the checkout differs from it; reads only."""
    git = ["git", "--no-optional-locks", "-C", str(ROOT)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        status = [*git, "status", "--porcelain", "--untracked-files=no"]
        changed = subprocess.run(status, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}{'+' if changed else ''}"
