"""Signals at random moments of a command: SIGINT, SIGTERM and SIGKILL while it loads, reads, solves and writes.

A file that stands before is whole afterwards, old or new; a file that is new is whole or absent; a checkpoint is
whole, and the run that goes on from it gives the numbers of one that nobody disturbed. Exit codes are those that are
documented: 130 after SIGINT, and after SIGTERM where there is a checkpoint; else a process dies of its signal.

    cd benchmarks && python -m attack.signals --size 20
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from attack.verdicts import RIGHT, SILENT, TRACEBACK, Verdict, main

from gramian.errors import ArtifactError
from gramian.serialize import file as store

ROWS, GROUPS, FILES = 400_000, 5_000, 2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
INTERRUPTED = 130
COMMANDS: dict[str, tuple[str, ...]] = {
    "fit": ("fit", "y ~ x*f", "--format", "json", "--save"),
    "fit, two classes": ("fit", "b ~ x + f", "--family", "binomial", "--format", "json", "--save"),
    "fit, groups": ("fit", "y ~ x", "--vcov", "cluster:f", "--format", "json", "--save"),
    "gram": ("gram", "y ~ x*f", "-o"),
}
# commands run from source: what the entry point of the package does
PROGRAM = "import sys; from gramian.__main__ import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended."""

    code: int
    printed: str
    messages: str
    seconds: float


def write_data(folder: Path) -> None:
    """Some files in a new folder, always the same."""
    folder.mkdir()
    rng = np.random.default_rng(11)
    x, f = rng.normal(50.0, 1.0, ROWS), rng.choice(list("abcdefgh"), ROWS)
    b = rng.random(ROWS) < 1.0 / (1.0 + np.exp(50.0 - x))
    table = pa.table({"x": x, "f": f, "y": x + rng.normal(size=ROWS), "b": b})
    for i in range(FILES):
        part = table.slice(i * ROWS // FILES, ROWS // FILES)
        pq.write_table(part, folder / f"{i}.parquet", row_group_size=GROUPS)


def run(command: str, target: Path, checkpoint: Path | None, number: int = 0, after: float | None = None) -> Run:
    """Run a command on the data beside its target, and send it a signal after so many seconds, if it still runs."""
    options = () if checkpoint is None else ("--checkpoint", str(checkpoint))
    words = [*COMMANDS[command], str(target), str(target.parent / "data"), *options, "--threads", "2"]
    began = perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        if after is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(after)
            process.send_signal(number)
        printed, messages = process.communicate()
    return Run(process.returncode, printed, messages, perf_counter() - began)


@cache
def undisturbed(command: str, kept: bool) -> tuple[bytes, str, float]:
    """The file and the output of a run that nobody disturbs, and its seconds."""
    with TemporaryDirectory() as folder:
        write_data(Path(folder) / "data")
        target = Path(folder) / "saved"
        done = run(command, target, Path(folder) / "checkpoint" if kept else None)
        assert done.code == 0, done.messages
        return target.read_bytes(), done.printed, done.seconds


def attack(number: int) -> Verdict:
    """One command, one signal."""
    rng = np.random.default_rng([43, number])
    command, sent = str(rng.choice(list(COMMANDS))), SIGNALS[int(rng.integers(len(SIGNALS)))]
    kept, before = bool(rng.random() < 0.6), bool(rng.random() < 0.5)
    saved, printed, seconds = undisturbed(command, kept)
    with TemporaryDirectory() as folder:
        target, checkpoint = Path(folder) / "saved", Path(folder) / "checkpoint" if kept else None
        write_data(Path(folder) / "data")
        if before:
            copyfile(__file__, target)
        old = target.read_bytes() if before else None
        done = run(command, target, checkpoint, sent, float(rng.uniform(0.0, 1.1 * seconds)))
        what = f"{command}, {sent.name}{', checkpoint' if kept else ''}, exit code {done.code}"
        wrong = faults(done, sent, target, checkpoint, old, saved)
        if not wrong:
            again = run(command, target, checkpoint)
            if again.code or not same(command, again.printed, printed) or (checkpoint and checkpoint.exists()):
                wrong = [f"once more: {again.code}, {again.messages[-200:]}"]
        outcome = TRACEBACK if any("traceback" in fault for fault in wrong) else SILENT
        return Verdict(outcome, f"{what}: {'; '.join(wrong)}") if wrong else Verdict(RIGHT)


def faults(
    done: Run, sent: signal.Signals, target: Path, checkpoint: Path | None, old: bytes | None, new: bytes
) -> list[str]:
    """What should not be so after a signal."""
    wrong = [] if done.code in expected_codes(sent, checkpoint is not None) else [f"exit code {done.code}"]
    if "Traceback" in done.messages or "terminate called" in done.messages or "mistake in gramian" in done.messages:
        wrong.append(f"traceback {done.messages[-300:]!r}")
    found = target.read_bytes() if target.exists() else None
    if found not in (old, new) and not loads(target):
        wrong.append("half a file")
    if done.code == 0 and found == old:
        wrong.append("exit code 0 and no file")
    if checkpoint is not None and checkpoint.exists() and not loads(checkpoint):
        wrong.append("half a checkpoint")
    extra = [p.name for p in target.parent.iterdir() if p not in (target, checkpoint, target.parent / "data")]
    if extra and done.code >= 0:  # who dies of a signal cannot clean up
        wrong.append(f"left behind {extra}")
    return wrong


def expected_codes(sent: signal.Signals, kept: bool) -> tuple[int, ...]:
    """Exit codes that are documented; a signal may come before Python can handle it, or after the end."""
    handled = sent == signal.SIGINT or (sent == signal.SIGTERM and kept)
    return (0, -sent, INTERRUPTED) if handled else (0, -sent)


def loads(path: Path) -> bool:
    """Whether a file is whole."""
    try:
        store.load(path)
    except ArtifactError:
        return False
    return True


def same(command: str, found: str, expected: str) -> bool:
    """Whether two runs printed the same, but for the time and for how often the data were read."""
    if not command.startswith("fit"):
        return True
    a, b = json.loads(found), json.loads(expected)
    return bool(a["coefficients"] == b["coefficients"] and a["rows"] == b["rows"])


ATTACKS = {"signals": attack}

if __name__ == "__main__":
    main(ATTACKS, __doc__ or "", 20)
