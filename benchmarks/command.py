"""The command line that the benchmarks share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import report
from findings import Finding
from problems import FULL, QUICK, Sizes
from rich.console import Console
from runner import Outcome, Race, run

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, slots=True)
class Program:
    """What can be measured: races, and findings (of the sizes and the number of rounds), by name."""

    name: str
    description: str
    races: Mapping[str, Callable[[Sizes], Race]]
    findings: Mapping[str, Callable[[Sizes, int], Finding]]


def main(program: Program) -> int:
    """Measure what is wanted, show it, write it down; 1 where a bar fails."""
    machine.as_shipped()
    options = _options(program)
    wanted = options.only or [*program.races, *program.findings]
    sizes, judged = (QUICK, False) if options.quick else (FULL, True)
    console = Console(width=None if sys.stdout.isatty() else 160)
    facts = machine.facts()
    report.header(console, facts, options.rounds)
    outcomes = [_race(console, name, program, sizes, options.rounds) for name in wanted if name in program.races]
    if outcomes:
        report.races(console, outcomes, judged=judged)
    found = dict.fromkeys(program.findings)
    for name in (name for name in wanted if name in found):
        with console.status(name):
            found[name] = program.findings[name](sizes, options.rounds)
        report.finding(console, found[name], judged=judged)
    file = options.json or RESULTS / f"{program.name}-{facts['date'].replace(':', '')}.json"
    measured = {"races": [o.to_dict() for o in outcomes], **{k: v and v.to_dict() for k, v in found.items()}}
    _write(file, {**facts, "rounds": options.rounds, "quick": options.quick, **measured})
    console.print(f"written to {file}", highlight=False)
    checks = [c for o in outcomes for c in (*o.comparisons, *o.checks)]
    checks += [c for one in found.values() if one is not None for c in one.checks]
    return int(judged and any(c.verdict == "fail" for c in checks))


def _race(console: Console, name: str, program: Program, sizes: Sizes, rounds: int) -> Outcome:
    with console.status(f"{name}: making the data, warming up, {rounds} rounds"):
        return run(program.races[name](sizes), rounds)


def _options(program: Program) -> argparse.Namespace:
    known = [*program.races, *program.findings]
    parser = argparse.ArgumentParser(description=f"{program.description} Exit code 1 where a bar fails.")
    parser.add_argument("--only", action="append", choices=known, help="measure this; may be repeated")
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
