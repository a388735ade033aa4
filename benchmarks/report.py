"""What was measured, as tables on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from findings import Finding
from rich.console import Console
from rich.table import Table
from runner import FREE, Outcome

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
                c.against if outcome.near(c.against) else f"{c.against} [yellow](less exact)[/]",
                _seconds(medians[c.against]),
                f"{c.of_medians:.3g}",
                f"{c.of_rounds:.3g}",
                "" if c.at_most == FREE else f"{c.at_most:.3g}",
                "" if c.at_most == FREE else _verdict(c.verdict, judged),
            )
        table.add_section()
    console.print(table)
    noise = ", ".join(f"{o.race.name} {o.disturbance:.0%}" for o in outcomes)
    console.print(f"share of the machine that other processes had meanwhile: {noise}", highlight=False)
    for outcome in outcomes:
        if outcome.distances:
            _distances(console, outcome, judged=judged)
    console.print("seconds: medians. ratio: of the medians; by round: median of the ratios of each round.")


def finding(console: Console, found: Finding, *, judged: bool) -> None:
    console.print(f"\n[bold]{found.title}[/]", highlight=False)
    if found.skipped:
        console.print(f"[yellow]skipped[/]: {found.skipped}", highlight=False)
        return
    table = Table(*found.columns)
    for row in found.rows:
        table.add_row(*row)
    console.print(table)
    for c in found.checks:
        console.print(f"{c.what}: {c.found} (wanted: {c.wanted}): {_verdict(c.verdict, judged)}", highlight=False)
    if found.note:
        console.print(found.note, highlight=False, markup=False, emoji=False)


def _distances(console: Console, outcome: Outcome, *, judged: bool) -> None:
    table = Table(f"{outcome.race.name}: contender", "seconds", "distance to the optimum, standard errors", "")
    for name, seconds in outcome.medians.items():
        distance = outcome.distances.get(name)
        told = "" if distance is None else f"{distance:.1e}"
        table.add_row(name, _seconds(seconds), told, "" if outcome.near(name) else "[yellow]not reached[/]")
    console.print(table)
    if not all(map(outcome.near, outcome.medians)):
        console.print("less exact: no tolerance brought it near enough; it was timed at the one that came nearest.")
    for c in outcome.checks:
        console.print(f"{c.what}: {c.found} (wanted: {c.wanted}): {_verdict(c.verdict, judged)}", highlight=False)


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _verdict(verdict: str, judged: bool) -> str:
    return f"[{COLOURS[verdict]}]{verdict}[/]" if judged else "not judged"
