"""Runs contenders in interleaved rounds, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import inf
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
from findings import Check, check
from machine import Usage
from numpy.typing import NDArray

LEAST_ROUNDS = 3  # of a race that takes longer than it should
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


FREE = 1e9


@dataclass(frozen=True, slots=True)
class Bar:
    """`subject` may take at most `at_most` times as long as `against`; FREE says that the ratio is only told."""

    subject: str
    against: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where contenders are to arrive: within so many standard errors of these coefficients.

    checked : how far from it, in standard errors, another package's best answer is.
    """

    coefficients: NDArray[np.float64]
    std_errors: NDArray[np.float64]
    within: float
    checked: float

    def distance(self, coefficients: NDArray[np.float64]) -> float:
        """Of coefficients in the same order, in standard errors, the longest."""
        return float(np.max(np.abs(coefficients - self.coefficients) / self.std_errors))


@dataclass(frozen=True, slots=True)
class Race:
    """Contenders that take turns. alike : those whose answers have to be the same.

    optimum : where the answers are measured from; those that give one then give coefficients in its order.
    times : the usual number of rounds is run so often, where a bar lies nearer than rounds scatter.
    seconds : after which no further round begins, but for the first `LEAST_ROUNDS`.
    """

    name: str
    work: str
    contenders: Sequence[Contender]
    bars: Sequence[Bar]
    alike: frozenset[str] = frozenset()
    optimum: Optimum | None = None
    times: int = 1
    seconds: float = inf


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

    disturbance : share of the machine that other processes had meanwhile. distances : of the answers of the warm-up
    to the optimum, where there is one, in standard errors.
    """

    race: Race
    timings: Mapping[str, Sequence[Timing]]
    disturbance: float
    distances: Mapping[str, float] = field(default_factory=dict)

    @property
    def medians(self) -> dict[str, float]:
        """Seconds of each contender."""
        return {name: median(t.clock for t in rounds) for name, rounds in self.timings.items()}

    @property
    def comparisons(self) -> list[Comparison]:
        """One for each bar."""
        return [self._compared(bar) for bar in self.race.bars]

    @property
    def checks(self) -> list[Check]:
        """That the subjects of the bars, and the other package that the optimum is checked with, arrive there."""
        optimum = self.race.optimum
        if optimum is None:
            return []
        wanted = f"at most {optimum.within:g} standard errors"
        found = {f"distance of {name}": self.distances[name] for name in {bar.subject: None for bar in self.race.bars}}
        found["distance of another package's best answer"] = optimum.checked
        return [check(what, f"{far:.1e}", wanted, far <= optimum.within) for what, far in found.items()]

    def near(self, name: str) -> bool:
        """Whether a contender arrives at the optimum."""
        return self.race.optimum is None or self.distances[name] <= self.race.optimum.within

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
            "distances": dict(self.distances),
            "checks": [asdict(c) for c in self.checks],
            "comparisons": [{**asdict(c), "verdict": c.verdict} for c in self.comparisons],
        }


def run(race: Race, rounds: int) -> Outcome:
    """One warm-up of each contender, whose answers are compared, then A, B, C, A, B, C, ..."""
    answers = {c.name: c.run() for c in race.contenders}
    _check({name: answer for name, answer in answers.items() if name in race.alike})
    optimum = race.optimum
    distances = {} if optimum is None else {n: optimum.distance(_coefficients(a)) for n, a in answers.items()}
    answers.clear()
    timings: dict[str, list[Timing]] = {c.name: [] for c in race.contenders}
    began = Usage.now()
    for done in range(race.times * rounds):
        if done >= LEAST_ROUNDS and Usage.now().clock - began.clock > race.seconds:
            break
        for contender in race.contenders:
            timings[contender.name].append(timed(contender.run))
    return Outcome(race, timings, Usage.now().taken_by_others(began), distances)


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


def _coefficients(answer: Any) -> NDArray[np.float64]:
    return answer.coefficients if isinstance(answer, Answer) else np.asarray(answer)


def _check(answers: Mapping[str, Any]) -> None:
    """Raise where contenders disagree: a quick wrong answer wins no race."""
    for (a, left), (b, right) in pairwise(answers.items()):
        for what in Answer._fields:
            mine, theirs = np.sort(getattr(left, what)), np.sort(getattr(right, what))
            if mine.shape != theirs.shape or not np.allclose(mine, theirs, rtol=AGREE, atol=AGREE):
                raise AssertionError(f"{a} and {b} disagree about the {what}:\n{mine}\n{theirs}")
