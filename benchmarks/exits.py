"""How processes end: every command, and scripts, run over and over on loaded cores, their exit codes counted.

python benchmarks/exits.py                           3,000 runs of each, two at a time, beside one busy loop per core
python benchmarks/exits.py --runs 300 --only derive  fewer, of one
python benchmarks/exits.py --forked                  the imports once, a forked child for each run (`forked.py`)

A thread that outlives the interpreter for a moment may abort the process then, after all its work is done: the exit
code alone tells, and only now and then. Exit code 1 where a run did not end as it should.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen, run
from tempfile import TemporaryDirectory

import numpy as np
from forked import forks, loaded_modules
from machine import as_shipped, facts

RUNS, TOGETHER = 3_000, 2
ROWS = 150  # as many as `derive` takes
LONG = 2_000_000  # rows of a file that is not read to its end
COMMANDS = {
    "fit": 'fit "y ~ x + f" points.csv',
    "fit gzip": 'fit "y ~ x + f" points.csv.gz',
    "fit binomial": 'fit "b ~ x" points.csv --family binomial',
    "gram": 'gram "y ~ x + z" points.csv --folds 3 -o out-{}.gram',
    "add": "add one.gram two.gram -o out-{}.gram",
    "subtract": "subtract both.gram one.gram -o out-{}.gram",
    "path": "path folds.gram",
    "cv": "cv folds.gram",
    "select": "select one.gram",
    "curve": 'curve "y ~ a * x + c" points.csv --start a=1,c=0',
    "predict": "predict y.fit points.csv",
    "compare": 'compare "y ~ x" points.csv --methods best-rate --digits 2 --scale',
    "derive": 'derive "y ~ x" points.csv',
    "inspect": "inspect points.csv",
}
FIRST = """
from gramian.data.source import source_of
rows = source_of("{}").units[0].batches(["x"])
next(rows)
"""
SCRIPTS = {
    "gm.ols": 'import gramian as gm; gm.ols("y ~ x", "points.csv")',
    "first rows": FIRST.format("long.csv"),
    "first rows, gzip": FIRST.format("long.csv.gz"),
}
PREPARED = (
    'gram "y ~ x + z" points.csv -o one.gram',
    'gram "y ~ x + z" more.csv -o two.gram',
    "add one.gram two.gram -o both.gram",
    'gram "y ~ x + z" points.csv --folds 3 -o folds.gram',
    'fit "y ~ x" points.csv --save y.fit',
)
MAIN = "import sys; from gramian.__main__ import main; sys.exit(main())"  # as `python -m gramian`
BUSY = "while True: pass"


def exits(
    runs: int, wanted: Mapping[str, list[str]], *, loaded: bool = True, forked: bool = False
) -> Iterator[tuple[str, dict[str, int]]]:
    """Of each, how many runs ended with which exit code; below zero is a signal."""
    with TemporaryDirectory() as name, load(loaded):
        prepare(Path(name))
        for what, command in wanted.items():
            codes = Counter((_forked if forked else _started)(command, runs, name))
            yield what, {str(code): count for code, count in sorted(codes.items())}


def _started(command: list[str], runs: int, folder: str) -> list[int]:
    """Exit codes of runs that are started as a user does."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(lambda number: _code(command, number, folder), range(runs)))


def _forked(command: list[str], runs: int, folder: str) -> list[int]:
    """Exit codes of runs in forked children."""
    program = MAIN if command[1] == "-m" else command[2]
    modules = loaded_modules(program, _numbered(command[2:], runs), folder)

    def ended(first: int) -> list[int]:
        with forks(modules, folder) as made:
            return [made.code(program, _numbered(command[2:], i)) for i in range(first, runs, TOGETHER)]

    with ThreadPoolExecutor(TOGETHER) as pool:
        return [code for codes in pool.map(ended, range(TOGETHER)) for code in codes]


def known() -> dict[str, list[str]]:
    """Command lines by name; {} in them is the number of the run."""
    scripts = {name: [sys.executable, "-c", text] for name, text in SCRIPTS.items()}
    return {name: _command(text) for name, text in COMMANDS.items()} | scripts


def prepare(folder: Path) -> None:
    """The files that the command lines name."""
    for seed, name in enumerate(("points.csv", "more.csv")):
        (folder / name).write_text(_points(seed))
    (folder / "points.csv.gz").write_bytes(gzip.compress(_points(0).encode()))
    long = b"x,f\n" + b"1.25,a\n-2.5,b\n" * (LONG // 2)
    (folder / "long.csv").write_bytes(long)
    (folder / "long.csv.gz").write_bytes(gzip.compress(long, compresslevel=1))
    for text in PREPARED:
        run(_command(text), cwd=folder, stdout=DEVNULL, stderr=DEVNULL, check=True)


@contextmanager
def load(wanted: bool = True) -> Iterator[None]:
    """One busy loop per core."""
    busy = [Popen([sys.executable, "-c", BUSY]) for _ in range((os.cpu_count() or 1) if wanted else 0)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _command(text: str) -> list[str]:
    return [sys.executable, "-m", "gramian", *shlex.split(text)]


def _code(command: list[str], number: int, folder: str) -> int:
    return run(_numbered(command, number), cwd=folder, stdout=DEVNULL, stderr=DEVNULL, check=False).returncode


def _numbered(parts: list[str], number: int) -> list[str]:
    return [part.replace("{}", str(number)) for part in parts]


def _points(seed: int) -> str:
    rng = np.random.default_rng(seed)
    x, z, f = rng.normal(size=ROWS).round(3), rng.normal(size=ROWS).round(3), rng.choice(list("abc"), ROWS)
    y, b = (x + rng.normal(size=ROWS)).round(3), rng.integers(0, 2, ROWS)
    return "x,z,f,y,b\n" + "".join(f"{','.join(map(str, row))}\n" for row in zip(x, z, f, y, b, strict=True))


def main() -> int:
    as_shipped()
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=RUNS, help="runs of each (default: %(default)s)")
    options.add_argument("--only", action="append", choices=known(), help="run this; may be repeated")
    options.add_argument("--no-load", action="store_true", help="without the busy loops")
    options.add_argument("--forked", action="store_true", help="import once, and fork a child for each run")
    options.add_argument("--json", type=Path, metavar="FILE", help="where the counts go, too")
    given = options.parse_args()
    wanted = {name: command for name, command in known().items() if name in (given.only or known())}
    found = {}
    for name, codes in exits(given.runs, wanted, loaded=not given.no_load, forked=given.forked):
        found[name] = codes
        print(f"{name}: {', '.join(f'{count:,} with {code}' for code, count in codes.items())}", flush=True)
    if given.json:
        report = {"exits": found, "runs": given.runs, "forked": given.forked, "machine": facts()}
        given.json.write_text(json.dumps(report, indent=2) + "\n")
    return int(any(codes.keys() != {"0"} for codes in found.values()))


if __name__ == "__main__":
    sys.exit(main())
