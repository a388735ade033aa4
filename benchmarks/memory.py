"""Peak private memory of processes that fit files.

Measured is RssAnon of a child process, which includes the interpreter and all imports, but not the pages of mapped
files, which are the cache of the machine. It is sampled, so peaks are lower bounds: the highest of the repeats counts.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, sleep

from findings import Check, Finding, check
from problems import NUMERIC, Sizes, copies_of, doubles

COPIES = 10
REPEATS = 3
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
INTERPRETER = "interpreter and imports"
COLUMNS = ("process", "peak private memory, MB", "of each repeat", "seconds")
NOTE = "RssAnon, sampled; the interpreter and all imports are in it, the pages of mapped files are not."


@dataclass(frozen=True, slots=True)
class Peak:
    """What one kind of child reached, MB, in each repeat, how long it lived, seconds, and what the last one printed."""

    name: str
    megabytes: tuple[float, ...]
    seconds: tuple[float, ...]
    printed: str

    @property
    def highest(self) -> float:
        return max(self.megabytes)

    @property
    def row(self) -> tuple[str, ...]:
        """As a row of a table with the columns `COLUMNS`."""
        repeats = ", ".join(f"{v:.0f}" for v in self.megabytes)
        return self.name, f"{self.highest:.0f}", repeats, ", ".join(f"{v:.1f}" for v in self.seconds)


def linear(sizes: Sizes, rounds: int) -> Finding:
    """A linear fit of one file, and of a folder with ten times as much."""
    file = doubles(sizes.parquet)
    work = {
        INTERPRETER: (IMPORTS,),
        f"{sizes.parquet:,} rows": (FIT, NUMERIC, str(file)),
        f"{COPIES * sizes.parquet:,} rows": (FIT, NUMERIC, str(copies_of(file, COPIES))),
    }
    imports, one, ten = found = peaks(work, rounds)
    ratio = ten.highest / one.highest
    alike = check("ten times the rows", f"{ratio:.3f} times the memory", f"1 ± {ALIKE:g}", abs(ratio - 1.0) <= ALIKE)
    return Finding(
        f"memory: {sizes.parquet:,} and {COPIES * sizes.parquet:,} rows, Parquet",
        COLUMNS,
        [peak.row for peak in found],
        [alike, below([one, ten])],
        NOTE,
        details={"measure": "peak RssAnon", "ratio": ratio, "peaks": [asdict(p) for p in (imports, one, ten)]},
    )


def below(found: Sequence[Peak]) -> Check:
    """Whether all stay below the ceiling."""
    highest = max(peak.highest for peak in found)
    return check("peak private memory", f"{highest:.0f} MB", f"below {CEILING:g} MB", highest < CEILING)


def peaks(work: Mapping[str, Sequence[str]], rounds: int) -> list[Peak]:
    """Children, each a piece of code and its arguments, take turns as contenders do."""
    taken: dict[str, list[tuple[float, float, str]]] = {name: [] for name in work}
    for _ in range(min(rounds, REPEATS)):
        for name, arguments in work.items():
            taken[name].append(_child(*arguments))
    return [_peak(name, runs) for name, runs in taken.items()]


def _peak(name: str, runs: Sequence[tuple[float, float, str]]) -> Peak:
    megabytes, seconds, printed = zip(*runs, strict=True)
    return Peak(name, megabytes, seconds, printed[-1])


def _child(*arguments: str) -> tuple[float, float, str]:
    """Peak in MB, seconds, and output of a Python that runs the given code, which prints a few lines at most."""
    peak, began = 0.0, perf_counter()
    with subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE, text=True) as child:
        while child.poll() is None:
            peak = max(peak, private(child.pid))
            sleep(INTERVAL)
        seconds = perf_counter() - began
        printed = child.stdout.read() if child.stdout else ""
    if child.returncode:
        raise RuntimeError(f"the process that was measured ended with {child.returncode}")
    return peak, seconds, printed.strip()


def private(pid: int) -> float:
    """Anonymous resident memory of a process, MB; 0 for one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kilobytes = next((line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")), "0")
    return int(kilobytes) * 1024 / MB
