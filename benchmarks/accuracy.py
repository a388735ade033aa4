"""How many digits are right, how many are certified, and what that costs.

python benchmarks/accuracy.py [--peers] [--trial [N]] [--broad [N]] [--stages [N]] [--cost] [--json FILE]
                              [--digits D] [--exact] [--once]
python benchmarks/accuracy.py --problem K [--digits D] [--exact] [--once]

Without a choice: the peers, the whole trial, the cost. A trial of N takes the problems `--first` to `--first` + N - 1.
`--broad` is a trial of one pass over 100 to 2,000 columns, `--stages` one of instruments and absorbed factors.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import cost
import machine
import report
from command import RESULTS
from findings import Finding
from peers import markdown, peers
from rich.console import Console
from rich.progress import Progress
from trial import broad, show, stages
from trial.answer import NotCertifiedError, fit
from trial.problems import COUNT, problem
from trial.run import finding, tried

QUICK = cost.Size(rows=120_000, columns=10)  # more than is refined without being asked


def main() -> int:
    machine.as_shipped()
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 200)
    wanted = {"digits": options.digits} if options.digits is not None else {}
    wanted |= {name: True for name in ("exact", "once") if getattr(options, name)}
    if options.problem is not None:
        console.print(show.problem(problem(options.problem), partial(fit, **wanted)), markup=False, highlight=False)
        return 0
    trials = options.trial, options.broad, options.stages
    chosen = options.peers or options.cost or any(count is not None for count in trials)
    facts, found = machine.facts(), dict[str, Finding]()
    report.header(console, facts, options.rounds)
    if options.peers or not chosen:
        found["peers"] = peers()
        text = found["peers"].skipped or markdown(found["peers"])
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    if options.trial is not None or not chosen:
        found["trial"] = _trial(console, options.first, COUNT if options.trial is None else options.trial, wanted)
    if options.broad is not None:
        found["broad"] = _shown(console, broad, options.first, options.broad)
    if options.stages is not None:
        found["stages"] = _shown(console, stages, options.first, options.stages)
    if options.cost or not chosen:
        size = QUICK if options.quick else cost.Size()
        found |= {work.__name__: work(size, options.rounds) for work in (cost.certified, cost.exact)}
    for one in found.values():
        report.finding(console, one, judged=not options.quick)
    file = options.json or RESULTS / f"accuracy-{facts['date'].replace(':', '')}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**facts, **{name: one.to_dict() for name, one in found.items()}}, indent=2) + "\n")
    console.print(f"written to {file}", highlight=False)
    failed = any(c.verdict == "fail" for one in found.values() for c in one.checks)
    return int(not options.quick and (failed or any(one.skipped for one in found.values())))


def _trial(console: Console, first: int, count: int, wanted: dict[str, Any]) -> Finding:
    told = ", ".join(f"{name}={value}" for name, value in wanted.items()) or "default options"
    title = f"the trial, problems {first} to {first + count - 1}, {told}"
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("trial", total=count)
        try:
            scores = tried(range(first, first + count), partial(fit, **wanted), lambda one: progress.advance(task))
        except NotCertifiedError as missing:
            return Finding(title, skipped=str(missing))
    return finding(scores, title)


def _shown(console: Console, family: Any, first: int, count: int) -> Finding:
    """The finding of another trial. family : its module."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(family.__name__, total=count)
        return family.finding(range(first, first + count), lambda one: progress.advance(task))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Exit code 1 where a bar fails.")
    parser.add_argument("--peers", action="store_true", help="NIST's linear sets, beside other packages")
    parser.add_argument("--trial", type=int, nargs="?", const=COUNT, metavar="N", help=f"random problems ({COUNT:,})")
    parser.add_argument(
        "--broad", type=int, nargs="?", const=broad.COUNT, metavar="N", help=f"problems of many columns ({broad.COUNT})"
    )
    parser.add_argument(
        "--stages",
        type=int,
        nargs="?",
        const=stages.COUNT,
        metavar="N",
        help=f"problems with instruments and absorbed factors ({stages.COUNT})",
    )
    parser.add_argument("--first", type=int, default=0, metavar="K", help="the trial's first problem")
    parser.add_argument("--cost", action="store_true", help="certificate, refined and exact pass, 1,000,000 x 50")
    parser.add_argument("--problem", type=int, metavar="K", help="everything about one problem of the trial")
    parser.add_argument("--digits", type=float, help="option of the trial's fits")
    parser.add_argument("--exact", action="store_true", help="option of the trial's fits")
    parser.add_argument("--once", action="store_true", help="the trial's data can be read once only: one pass")
    parser.add_argument("--rounds", type=int, default=5, help="of the cost (default: 5)")
    parser.add_argument("--quick", action="store_true", help="small sizes of the cost, no bar judged")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go (default: benchmarks/results)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
