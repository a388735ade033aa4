"""What was measured, as tables on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memory import CEILING, Peaks
from rich.console import Console
from rich.table import Table
from runner import Outcome

COLOURS = {"pass": "green", "fail": "red", "unclear": "yellow"}


def header(console: Console, facts: dict[str, Any], rounds: int) -> None:
    machine, packages = facts["machine"], facts["packages"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GB, "
        f"load {machine['load'][0]:.1f}; Python {facts['python']}, "
        f"{', '.join(f'{name} {known}' for name, known in packages.items())}; {rounds} rounds",
        highlight=False,
        soft_wrap=True,
    )


def races(console: Console, outcomes: Sequence[Outcome], *, judged: bool) -> None:
    table = Table("work", "contender", "seconds", "against", "seconds", "ratio", "by round", "at most", "")
    for outcome in outcomes:
        medians = outcome.medians
        for i, c in enumerate(outcome.comparisons):
            table.add_row(
                outcome.race.work if i == 0 else "",
                c.subject,
                _seconds(medians[c.subject]),
                c.against,
                _seconds(medians[c.against]),
                f"{c.of_medians:.3g}",
                f"{c.of_rounds:.3g}",
                f"{c.at_most:.3g}",
                _verdict(c.verdict, judged),
            )
        table.add_section()
    console.print(table)
    noise = ", ".join(f"{o.race.name} {o.disturbance:.0%}" for o in outcomes)
    console.print(f"share of the machine that other processes had meanwhile: {noise}", highlight=False)
    console.print("seconds: medians. ratio: of the medians; by round: median of the ratios of each round.")


def memory(console: Console, peaks: Peaks, *, judged: bool) -> None:
    table = Table("process", "peak private memory, MB", "of each repeat", "seconds")
    for peak in (peaks.imports, peaks.one, peaks.ten):
        repeats, seconds = (
            ", ".join(f"{v:.{d}f}" for v in values) for values, d in ((peak.megabytes, 0), (peak.seconds, 1))
        )
        table.add_row(peak.name, f"{peak.highest:.0f}", repeats, seconds)
    console.print(table)
    verdicts = "; ".join(f"{bar}: {_verdict(held, judged)}" for bar, held in peaks.verdicts.items())
    console.print(f"ratio {peaks.ratio:.3f} (ceiling {CEILING:g} MB); {verdicts}")
    console.print("RssAnon, sampled; the interpreter and all imports are in it, the pages of mapped files are not.")


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _verdict(verdict: str, judged: bool) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]" if judged else "not judged"
