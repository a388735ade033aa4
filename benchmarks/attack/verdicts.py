"""Attacks: many trials of what nobody would hand over on purpose, counted by what became of each.

An attack is a function of a number, which draws a trial from that number alone and gives a verdict. "right" and
"refused" are the two outcomes that are promised; every other one is a third outcome, and there should be none:

    silent     a wrong answer without a word, or more digits certified than are right
    traceback  an exception that is no GramianError
    crash      the process died
    hang       no verdict within the time

Trials run in a child process, so that a crash or a hang costs one trial and not the table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import NoReturn

from gramian.errors import GramianError

RIGHT, REFUSED = "right", "refused"
SILENT, TRACEBACK, CRASH, HANG = THIRD = ("silent", "traceback", "crash", "hang")
SECONDS = 60.0  # after which a trial hangs
SHOWN = 12  # third outcomes of each attack that are shown in full


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a trial, and of what trial, in words."""

    outcome: str
    what: str = ""


Attack = Callable[[int], Verdict]


@dataclass(frozen=True, slots=True)
class Trial:
    """A verdict with its attack and number, by which it can be run again."""

    attack: str
    number: int
    verdict: Verdict


def judged(attack: Attack, number: int) -> Verdict:
    """The verdict of one trial; an error of gramian is a refusal, any other exception a traceback.

    Also one that Python can only print, since nobody above would get it.
    """
    with _unraisable() as printed:
        verdict = _judged(attack, number)
    return Verdict(TRACEBACK, f"printed: {printed[0]}") if printed else verdict


@contextmanager
def _unraisable() -> Iterator[list[str]]:
    """What Python prints as "Exception ignored in"."""
    printed = list[str]()
    before, sys.unraisablehook = sys.unraisablehook, lambda args: printed.append(f"{args.exc_value!r} in {args.object}")
    try:
        yield printed
    finally:
        sys.unraisablehook = before


def _judged(attack: Attack, number: int) -> Verdict:
    try:
        return attack(number)
    except GramianError as error:
        return Verdict(REFUSED, f"{type(error).__name__}: {error}")
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        inner = [f for f in traceback.extract_tb(error.__traceback__) if "gramian" in f.filename][-1:] or [frame]
        return Verdict(TRACEBACK, f"{type(error).__name__} at {inner[0].filename}:{inner[0].lineno}: {error}")


def run(attacks: Mapping[str, Attack], numbers: Sequence[int], seconds: float = SECONDS) -> Iterator[Trial]:
    """Yield the trials of each attack with each number."""
    for name, attack in attacks.items():
        left = list(numbers)
        while left:
            for verdict in _in_child(attack, tuple(left), seconds):
                yield Trial(name, left.pop(0), verdict)


def _in_child(attack: Attack, numbers: Sequence[int], seconds: float) -> Iterator[Verdict]:
    """Verdicts from a child process, until it has done all or one of them has ended or stopped it."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(attack, numbers, sending))  # no daemon: those have no children
    child.start()
    sending.close()
    try:
        for _ in numbers:
            if not receiving.poll(seconds):
                yield Verdict(HANG, f"no verdict after {seconds:g} seconds")
                return
            yield receiving.recv()
    except EOFError:
        child.join()
        yield Verdict(CRASH, f"the process ended with {child.exitcode}")
    finally:
        child.kill()
        child.join()


def _child(attack: Attack, numbers: Sequence[int], sending: Connection) -> None:
    for number in numbers:
        sending.send(judged(attack, number))


def table(trials: Sequence[Trial]) -> str:
    """Trials and outcomes by attack, as a table in Markdown."""
    names = list(dict.fromkeys(trial.attack for trial in trials))
    lines = [f"| attack | trials | {RIGHT} | {REFUSED} | {' | '.join(THIRD)} |", "|---|" + "--:|" * (3 + len(THIRD))]
    for name in (*names, "all"):
        counts = Counter(t.verdict.outcome for t in trials if name in (t.attack, "all"))
        cells = [sum(counts.values()), *(counts[outcome] for outcome in (RIGHT, REFUSED, *THIRD))]
        lines.append(f"| {name} | {' | '.join(f'{cell:,}' for cell in cells)} |")
    return "\n".join(lines)


def reported(trials: Iterable[Trial], refusals: bool = False) -> list[Trial]:
    """All trials; the first third outcomes of each attack, and refusals if wanted, are printed as they come."""
    out, shown = list[Trial](), Counter[str]()
    for trial in trials:
        out.append(trial)
        outcome, what = trial.verdict.outcome, trial.verdict.what
        if outcome in THIRD or (refusals and outcome == REFUSED):
            shown[trial.attack] += 1
            if shown[trial.attack] <= SHOWN:
                print(f"{trial.attack} {trial.number}: {outcome}: {what}", file=sys.stderr, flush=True)
    return out


def finish(trials: Sequence[Trial]) -> NoReturn:
    """Print the table; exit with 1 if there was a third outcome."""
    print(table(trials))
    sys.exit(any(trial.verdict.outcome in THIRD for trial in trials))


def main(attacks: Mapping[str, Attack], description: str, size: int) -> None:
    """The command line of a script of attacks.

    size : trials of each attack, by default.
    """
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--size", type=int, default=size, help="trials of each attack (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--attack", choices=attacks, action="append", help="only these attacks")
    parser.add_argument("--refusals", action="store_true", help="show refusals too")
    given = parser.parse_args()
    chosen = {name: attacks[name] for name in given.attack or attacks}
    finish(reported(run(chosen, range(given.first, given.first + given.size)), given.refusals))
