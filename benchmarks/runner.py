"""Runs contenders in interleaved rounds, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
from machine import Usage
from numpy.typing import NDArray

AGREE = 1e-7  # relative; the contenders' own rounding on these problems is below 1e-9


class Answer(NamedTuple):
    """What a contender produces in full: coefficients and standard errors, in its own order."""

    coefficients: NDArray[np.float64]
    std_errors: NDArray[np.float64]


class Timing(NamedTuple):
    """One round of one contender: seconds on the clock, and of processor time over all threads."""

    clock: float
    processor: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A name, and work that needs nothing prepared."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Bar:
    """`subject` may take at most `at_most` times as long as `against`."""

    subject: str
    against: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Race:
    """Contenders that take turns. alike : those whose answers have to be the same."""

    name: str
    work: str
    contenders: Sequence[Contender]
    bars: Sequence[Bar]
    alike: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A bar and the two ratios that were measured: of the medians, and the median of each round's ratio."""

    subject: str
    against: str
    at_most: float
    of_medians: float
    of_rounds: float

    @property
    def verdict(self) -> str:
        """Whether the bar holds; "unclear" where the two ratios say different things."""
        held = {self.of_medians <= self.at_most, self.of_rounds <= self.at_most}
        return "unclear" if len(held) > 1 else "pass" if held.pop() else "fail"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Timings of every contender, rounds in order, and what they say about the bars.

    disturbance : share of the machine that other processes had meanwhile.
    """

    race: Race
    timings: Mapping[str, Sequence[Timing]]
    disturbance: float

    @property
    def medians(self) -> dict[str, float]:
        """Seconds of each contender."""
        return {name: median(t.clock for t in rounds) for name, rounds in self.timings.items()}

    @property
    def comparisons(self) -> list[Comparison]:
        """One for each bar."""
        return [self._compared(bar) for bar in self.race.bars]

    def _compared(self, bar: Bar) -> Comparison:
        mine, theirs = self.timings[bar.subject], self.timings[bar.against]
        ratio = self.medians[bar.subject] / self.medians[bar.against]
        by_round = median(a.clock / b.clock for a, b in zip(mine, theirs, strict=True))
        return Comparison(bar.subject, bar.against, bar.at_most, ratio, by_round)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.race.name,
            "work": self.race.work,
            "disturbance": self.disturbance,
            "contenders": {
                name: {
                    "median_seconds": self.medians[name],
                    "seconds": [t.clock for t in rounds],
                    "processor_seconds": [t.processor for t in rounds],
                }
                for name, rounds in self.timings.items()
            },
            "comparisons": [{**asdict(c), "verdict": c.verdict} for c in self.comparisons],
        }


def run(race: Race, rounds: int) -> Outcome:
    """One warm-up of each contender, whose answers are compared, then A, B, C, A, B, C, ..."""
    answers = {c.name: c.run() for c in race.contenders}
    _check({name: answer for name, answer in answers.items() if name in race.alike})
    answers.clear()
    timings: dict[str, list[Timing]] = {c.name: [] for c in race.contenders}
    began = Usage.now()
    for _ in range(rounds):
        for contender in race.contenders:
            timings[contender.name].append(timed(contender.run))
    return Outcome(race, timings, Usage.now().taken_by_others(began))


def timed(work: Callable[[], object]) -> Timing:
    """Time of one call; garbage is collected before it, not during it, and the answer is let go after it."""
    gc.collect()
    gc.disable()
    try:
        processor, clock = process_time(), perf_counter()
        answer = work()
        taken = Timing(perf_counter() - clock, process_time() - processor)
    finally:
        gc.enable()
    del answer
    return taken


def _check(answers: Mapping[str, Any]) -> None:
    """Raise where contenders disagree: a quick wrong answer wins no race."""
    for (a, left), (b, right) in pairwise(answers.items()):
        for what in Answer._fields:
            mine, theirs = np.sort(getattr(left, what)), np.sort(getattr(right, what))
            if mine.shape != theirs.shape or not np.allclose(mine, theirs, rtol=AGREE, atol=AGREE):
                raise AssertionError(f"{a} and {b} disagree about the {what}:\n{mine}\n{theirs}")
