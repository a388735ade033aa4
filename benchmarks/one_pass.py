"""Every figure of the README: races of gramian against others, and its peak memory, each with its bar.

python benchmarks/one_pass.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import machine
import memory
import report
from contenders import RACES
from problems import FULL, QUICK
from rich.console import Console
from runner import run

RESULTS = Path(__file__).resolve().parent / "results"
MEMORY = "memory"
REPEATS = 3


def main() -> int:
    options = _options()
    wanted = options.only or [*RACES, MEMORY]
    sizes, judged = (QUICK, False) if options.quick else (FULL, True)
    console = Console(width=None if sys.stdout.isatty() else 160)
    facts = machine.facts()
    report.header(console, facts, options.rounds)
    outcomes = [_race(console, name, sizes, options.rounds) for name in wanted if name in RACES]
    peaks = memory.measure(sizes, min(options.rounds, REPEATS)) if MEMORY in wanted else None
    if outcomes:
        report.races(console, outcomes, judged=judged)
    if peaks:
        report.memory(console, peaks, judged=judged)
    file = options.json or RESULTS / f"{facts['date'].replace(':', '')}.json"
    measured = {"races": [o.to_dict() for o in outcomes], "memory": peaks.to_dict() if peaks else None}
    _write(file, {**facts, "rounds": options.rounds, "quick": options.quick, **measured})
    console.print(f"written to {file}", highlight=False)
    verdicts = [c.verdict for o in outcomes for c in o.comparisons] + [*(peaks.verdicts.values() if peaks else ())]
    return int(judged and "fail" in verdicts)


def _race(console: Console, name: str, sizes: Any, rounds: int) -> Any:
    with console.status(f"{name}: making the data, warming up, {rounds} rounds"):
        return run(RACES[name](sizes), rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ratios, each measured in one run; exit code 1 where a bar fails.")
    parser.add_argument("--only", action="append", choices=[*RACES, MEMORY], help="measure this; may be repeated")
    parser.add_argument("--rounds", type=_positive, default=7, help="rounds of every race (default: 7)")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that all of it runs, judges no bar")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go (default: benchmarks/results)")
    return parser.parse_args()


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _write(file: Path, results: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
