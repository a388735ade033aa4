"""What a checkpoint does in a run, timed inside of it: a share of less than a round of a race scatters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from findings import Finding, check
from problems import NUMERIC, Sizes, copies_of, doubles

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.linear.fit import fit_linear
from gramian.fit.passes.job import PassRunner, job_of
from gramian.fit.passes.options import Options
from gramian.fit.resume.checkpoint import EVERY, Resumable, SavedPass
from gramian.fit.resume.file import Checkpoint
from gramian.formula.grammar import parse

COPIES = 10
BAR = 0.05


@dataclass(slots=True)
class Timed:
    """A checkpoint that knows how long each saving took, and everything else that it does."""

    kept: Checkpoint
    others: float
    savings: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.kept.name

    def read(self) -> Sequence[SavedPass]:
        began = perf_counter()
        passes = self.kept.read()
        self.others += perf_counter() - began
        return passes

    def write(self, passes: Sequence[SavedPass]) -> None:
        began = perf_counter()
        self.kept.write(passes)
        self.savings.append(perf_counter() - began)

    def knows(self, partial: object) -> bool:
        return self.kept.knows(partial)

    def delete(self) -> None:
        began = perf_counter()
        self.kept.delete()
        self.others += perf_counter() - began


def savings(sizes: Sizes, rounds: int) -> Finding:
    """Seconds that the thread which adds spends with the file, while others read on."""
    data = str(copies_of(doubles(sizes.parquet), COPIES))
    with TemporaryDirectory() as folder:
        runs = [_run(data, Path(folder) / "run") for _ in range(rounds + 1)][1:]
    shares = [(sum(kept.savings) + kept.others) / seconds for seconds, kept in runs]
    each = [one for _, kept in runs for one in kept.savings]
    row = (
        f"{median(seconds for seconds, _ in runs):.2f} s",
        f"{median(len(kept.savings) for _, kept in runs):g}",
        f"{1e3 * median(each):.1f} ms" if each else "-",
        f"{1e3 * median(kept.others for _, kept in runs):.1f} ms",
    )
    share = median(shares)
    return Finding(
        f"savings: {COPIES * sizes.parquet:,} rows, a checkpoint every {EVERY:g} s",
        ("a run", "savings", "one saving", "to begin and to delete"),
        [row],
        [check("share of the run", f"{share:.2%}", f"at most {BAR:.0%}", share <= BAR)],
        details={"shares": shares, "savings": each},
    )


def _run(data: str, file: Path) -> tuple[float, Timed]:
    """Seconds of a whole run, and its checkpoint."""
    began = perf_counter()
    source: Any = source_of(data)
    opened = perf_counter()
    kept = Checkpoint(file, {"model": "ols", "formula": NUMERIC}, source)
    timed = Timed(kept, perf_counter() - opened)
    job = job_of(parse(NUMERIC), Options(), PassRunner(source, Resumable(Local(), timed)), absorbing=True)
    fit_linear(job, None)
    timed.delete()
    return perf_counter() - began, timed
