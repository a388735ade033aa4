"""What certainty costs: the certificate's share of a pass, a refined pass and an exact one against the fast one."""

from __future__ import annotations

import cProfile
import pstats
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from math import isnan, nan
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from findings import Check, Finding, check
from machine import Usage
from runner import Timing, timed

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options

SHARE, REFINED = 0.03, 12.0  # most
WANTED = 14.0  # digits that one pass does not certify
CERTIFICATE = ("certificate.py", "fit/accuracy.py")  # the files that it lives in
KINDS: dict[str, tuple[Callable[[np.random.Generator, int], Any], float | None]] = {
    "integers below 1,000, as float64": (lambda rng, n: rng.integers(0, 1000, n).astype(float), 5.0),
    "integers below 10^6, as int64": (lambda rng, n: rng.integers(0, 10**6, n), 5.0),
    "indicators, as int8": (lambda rng, n: rng.integers(0, 2, n).astype(np.int8), 5.0),
    "standard normal float64": (lambda rng, n: rng.standard_normal(n), 25.0),
    "standard normal float32": (lambda rng, n: rng.standard_normal(n, np.float32), None),
    "prices with two decimals": (lambda rng, n: np.round(np.exp(rng.normal(3.0, 1.2, n)), 2), None),
    "Cauchy": (lambda rng, n: rng.standard_cauchy(n), None),
}


@dataclass(frozen=True, slots=True)
class Size:
    """Of the data, and how many threads fold them."""

    rows: int = 1_000_000
    columns: int = 50
    threads: int = 2

    def __str__(self) -> str:
        return f"{self.rows:,} x {self.columns} in memory, {self.threads} threads"


def certified(size: Size, rounds: int) -> Finding:
    """The certificate's share of the pass; a refined pass against the fast one."""
    title = f"the certificate and the refined pass, {size}"
    if "digits" not in signature(gm.ols).parameters:
        return Finding(title, skipped="gm.ols has no option digits")
    data, formula = _normal(size)
    engine = gm.Local(threads=size.threads)
    design, _ = prepare(formula, source_of(data), Options())
    warnings.simplefilter("ignore")  # more digits may be wanted than there are
    last = gm.ols(formula, data, digits=WANTED, engine=engine)
    works = {
        "the pass alone": lambda: engine.fold(source_of(data), Accumulate(design)),
        "fit, fast": lambda: gm.ols(formula, data, digits=1.0, engine=engine),
        f"fit, digits={WANTED:g}": lambda: gm.ols(formula, data, digits=WANTED, engine=engine),
    }
    times, disturbance = interleaved(works, rounds)
    alone, fast, refined = (np.array([t.clock for t in times[name]]) for name in works)
    certificate = median(_certificate(lambda: gm.ols(formula, data, digits=1.0, engine=engine)) for _ in range(rounds))
    share = certificate / float(np.median(alone))
    more = max(last.passes - 1, 1)
    ratio = float(np.median((refined - fast) / more / fast))
    rows = [_row(name, times[name], times["fit, fast"]) for name in works]
    return Finding(
        title,
        ("work", "seconds", "processor seconds", "of the fast fit, by round"),
        [*rows, ("the certificate", f"{certificate:.4f}", "", "")],
        [
            check("the certificate's share of the pass", f"{share:.1%}", f"at most {SHARE:.0%}", share <= SHARE),
            check("passes of the refined fit", last.passes, "more than one", last.passes > 1),
            check("a refined pass against the fast fit", f"{ratio:.1f}", f"at most {REFINED:g}", ratio <= REFINED),
        ],
        f"Taken by other processes meanwhile: {disturbance:.0%}.",
        details={name: [t.clock for t in some] for name, some in times.items()} | {"certificate": certificate},
    )


def exact(size: Size, rounds: int) -> Finding:
    """The exact pass against the fast one, by kind of number; the exact fit."""
    rows, checks, details = [], list[Check](), {}
    for kind, (draw, bar) in KINDS.items():
        works, whole = _passes(draw, size)
        times, disturbance = interleaved(works, rounds)
        ratio, busy = (_ratio(times["exact"], times["fast"], which) for which in ("clock", "processor"))
        fast, slow = (median(t.clock for t in times[name]) for name in ("fast", "exact"))
        rows.append(
            (kind, f"{fast:.3f}", f"{slow:.3f}", f"{ratio:.1f}", f"{busy:.1f}", "-" if isnan(whole) else f"{whole:.2f}")
        )
        details[kind] = {name: [t._asdict() for t in some] for name, some in times.items()}
        details[kind] |= {"fit": None if isnan(whole) else whole, "disturbance": disturbance}
        if bar is not None:
            checks.append(check(f"exact against fast, {kind}", f"{ratio:.1f}", f"at most {bar:g}", ratio <= bar))
    headings = ("columns", "fast pass [s]", "exact pass [s]", "by round", "of processor time", "exact fit [s]")
    return Finding(f"exact sums, {size}", headings, rows, checks, details=details)


def interleaved(works: dict[str, Callable[[], object]], rounds: int) -> tuple[dict[str, list[Timing]], float]:
    """Rounds of all works in turn, after a warm-up of each; and what others took of the machine meanwhile."""
    for work in works.values():
        work()
    times: dict[str, list[Timing]] = {name: [] for name in works}
    before = Usage.now()
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(timed(work))
    return times, Usage.now().taken_by_others(before)


def _certificate(work: Callable[[], object]) -> float:
    """Seconds in the certificate's own files and in what these call, while the work is done."""
    profile = cProfile.Profile()
    profile.runcall(work)
    found = 0.0
    for (file, _, _), (*_, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file.endswith(CERTIFICATE):
            found += sum(told[3] for caller, told in callers.items() if not caller[0].endswith(CERTIFICATE))
    return found


def _passes(draw: Callable[[np.random.Generator, int], Any], size: Size) -> tuple[dict[str, Any], float]:
    """Both passes over columns of one kind, and the seconds that an exact fit takes."""
    rng = np.random.default_rng(1)
    data = {f"x{i}": draw(rng, size.rows) for i in range(size.columns)} | {"y": draw(rng, size.rows)}
    formula, source = "y ~ " + " + ".join(f"x{i}" for i in range(size.columns)), source_of(data)
    design, _ = prepare(formula, source, Options())
    engine, slow = Local(size.threads), AccumulateExact(design)
    return {
        "fast": lambda: engine.fold(source, Accumulate(design)),
        "exact": lambda: engine.fold(source, slow),
    }, _seconds(formula, data, engine)


def _seconds(formula: str, data: Any, engine: Any) -> float:
    """Of a whole exact fit: pass and solve."""
    if "exact" not in signature(gm.ols).parameters:
        return nan
    began = perf_counter()
    gm.ols(formula, data, exact=True, engine=engine)
    return perf_counter() - began


def _normal(size: Size) -> tuple[dict[str, Any], str]:
    rng = np.random.default_rng(3)
    X = rng.standard_normal((size.rows, size.columns))
    return {"X": X, "y": X @ np.linspace(-1.0, 1.0, size.columns) + rng.standard_normal(size.rows)}, "y ~ X"


def _ratio(some: Sequence[Timing], others: Sequence[Timing], which: str) -> float:
    return median(getattr(a, which) / getattr(b, which) for a, b in zip(some, others, strict=True))


def _row(name: str, some: Sequence[Timing], against: Sequence[Timing]) -> tuple[str, ...]:
    clock, processor = (median(getattr(t, which) for t in some) for which in ("clock", "processor"))
    return name, f"{clock:.3f}", f"{processor:.3f}", f"{_ratio(some, against, 'clock'):.2f}"
