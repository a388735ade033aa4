"""Peak private memory of a process that fits one file, against one that fits ten times as much.

Measured is RssAnon of a child process, which includes the interpreter and all imports, but not the pages of mapped
files, which are the cache of the machine. It is sampled, so peaks are lower bounds: the highest of the repeats counts.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from problems import NUMERIC, Sizes, doubles, links

COPIES = 10
INTERVAL = 0.002  # seconds
ALIKE = 0.10
CEILING = 450.0  # MB
MB = 1e6

FIT = """
import sys
import gramian as gm
fit = gm.ols(sys.argv[1], sys.argv[2])
print(fit.rows, fit.coefficients.sum(), fit.std_errors.sum())
"""
IMPORTS = "from gramian import ols"


@dataclass(frozen=True, slots=True)
class Peak:
    """What one kind of child reached, MB, in each repeat, and how long it lived, seconds."""

    name: str
    megabytes: tuple[float, ...]
    seconds: tuple[float, ...]

    @property
    def highest(self) -> float:
        return max(self.megabytes)


@dataclass(frozen=True, slots=True)
class Peaks:
    """The interpreter with its imports, one file, ten files."""

    rows: int
    imports: Peak
    one: Peak
    ten: Peak

    @property
    def ratio(self) -> float:
        return self.ten.highest / self.one.highest

    @property
    def verdicts(self) -> dict[str, str]:
        bars = {
            f"ten times the rows within {ALIKE:.0%}": abs(self.ratio - 1.0) <= ALIKE,
            f"below {CEILING:g} MB": max(self.one.highest, self.ten.highest) < CEILING,
        }
        return {bar: "pass" if held else "fail" for bar, held in bars.items()}

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        peaks = {
            p.name: {"highest_megabytes": p.highest, "megabytes": p.megabytes, "seconds": p.seconds}
            for p in (self.imports, self.one, self.ten)
        }
        return {"measure": "peak RssAnon", "peaks": peaks, "ratio": self.ratio, "verdicts": self.verdicts}


def measure(sizes: Sizes, repeats: int) -> Peaks:
    """Children take turns, as contenders do."""
    file = doubles(sizes.parquet)
    folder = links(file, COPIES)
    work = {
        "interpreter and imports": (IMPORTS,),
        f"{sizes.parquet:,} rows": (FIT, NUMERIC, str(file)),
        f"{COPIES * sizes.parquet:,} rows": (FIT, NUMERIC, str(folder)),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, arguments in work.items():
            taken[name].append(_child(*arguments))
    imports, one, ten = (Peak(name, *zip(*runs, strict=True)) for name, runs in taken.items())
    return Peaks(sizes.parquet, imports, one, ten)


def _child(*arguments: str) -> tuple[float, float]:
    """Peak in MB, and seconds, of a Python that runs the given code."""
    peak, began = 0.0, perf_counter()
    with subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            peak = max(peak, private(child.pid))
            sleep(INTERVAL)
    if child.returncode:
        raise RuntimeError(f"the process that was measured ended with {child.returncode}")
    return peak, perf_counter() - began


def private(pid: int) -> float:
    """Anonymous resident memory of a process, MB; 0 for one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kilobytes = next((line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")), "0")
    return int(kilobytes) * 1024 / MB
