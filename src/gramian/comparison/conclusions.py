"""Conclusions of a comparison, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gramian.comparison.history import Entry
from gramian.comparison.iterations import format_digits
from gramian.comparison.methods import NORMAL, STOCHASTIC
from gramian.results.format_numbers import number

if TYPE_CHECKING:
    from gramian.comparison.result import Comparison

MIN_IMPROVEMENT = 10.0  # scaling that improves the condition number by less changes little
SCIENTIFIC_FROM = 100_000  # counts from here on are printed with a power of ten


def conclusions(comparison: Comparison) -> Iterator[str]:
    """Sentences about gradient descent, scaling, the conjugate gradient and rounding, as far as these were compared."""
    for name in comparison.condition:
        yield from _gradient_descent(comparison, scaled=name == "scaled")
    yield from _scaling(comparison)
    yield from _conjugate(comparison)
    yield from _rounding(comparison)
    if comparison.rank < len(comparison.names):
        yield (
            f"{len(comparison.names) - comparison.rank} of the columns are combinations of others: of many solutions "
            "all methods from zero find the one of least norm in their coordinates, and digits are measured against it."
        )


def _target(comparison: Comparison) -> float:
    """Digits that the sentences are about: the second target, which is enough for most uses of a fit."""
    return comparison.digits[min(1, len(comparison.digits) - 1)]


def _gradient_descent(comparison: Comparison, *, scaled: bool) -> Iterator[str]:
    """Whether gradient descent reaches the target, and in how many steps."""
    digits = _target(comparison)
    fixed, best = (comparison.entry(m, digits, scaled=scaled) for m in ("gradient-descent", "best-rate"))
    where = "On standardised columns" if scaled else "On the columns as they are"
    parts = [f"with its {fixed.chosen_by_hand} it {_describe_outcome(fixed)}"] if fixed else []
    parts += [f"with the best rate it {_describe_outcome(best)}"] if best else []
    if parts:
        yield f"{where}, gradient descent to {digits:g} digits: {', '.join(parts)}."


def _describe_outcome(entry: Entry) -> str:
    """Predicate of a sentence about one entry."""
    if entry.reached and entry.iterations is not None:
        return f"takes {format_steps(entry.iterations)}"
    if entry.status.startswith("not run"):
        return f"would take {format_steps(entry.iterations)}" if entry.iterations is not None else "never arrives"
    return entry.status


def _scaling(comparison: Comparison) -> Iterator[str]:
    """How standardising changes the condition number, and what that means."""
    if len(comparison.condition) < 2:
        return
    before, after = comparison.condition["raw"], comparison.condition["scaled"]
    change = f"from {number(before, 3)} to {number(after, 3)}"
    if before > MIN_IMPROVEMENT * after:
        yield (
            f"Standardising brings the condition number {change}; steps of gradient descent shrink with it, those of "
            "Nesterov and the conjugate gradient with its root. Gradient descent needs feature scaling here."
        )
    else:
        yield f"Standardising changes the condition number {change}: scaling matters little here."
    if comparison.entry(NORMAL, comparison.digits[0], scaled=False):
        yield "The normal equation asks for no scaling, no rate and no stopping rule: one solve."


def _conjugate(comparison: Comparison) -> Iterator[str]:
    """Steps of the conjugate gradient, against its limit in exact arithmetic."""
    entries = [e for e in comparison.entries if e.method == "conjugate-gradient" and e.iterations is not None]
    if entries:
        max_steps = max(e.iterations for e in entries if e.iterations is not None)
        yield (
            f"The conjugate gradient took at most {format_count(max_steps)} steps; but for rounding it never needs "
            f"more than one for each of the {comparison.rank:,} independent columns."
        )


def _rounding(comparison: Comparison) -> Iterator[str]:
    """Digits at which rounding stops gradient descent, and what slows stochastic gradient descent."""
    for name, error in comparison.attainable.items():
        if error > 10.0 ** -comparison.digits[-1]:
            columns = "columns as they are" if name == "raw" else "standardised columns"
            end = f"stops near {format_digits(error)} digits" if error < 1.0 else "finds no digit"
            yield (
                f"However long it runs, gradient descent in float64 on the {columns} {end}: beyond, its steps are lost "
                "in rounding."
            )
    if any(e.method == STOCHASTIC and not e.reached for e in comparison.entries):
        yield (
            "Stochastic gradient descent is slow for digits: first its rate decides, then noise, whose averages shrink "
            "with the root of the steps, a digit for a hundred times as many. It is made for data of which one pass is "
            "too much."
        )


def format_steps(steps: float) -> str:
    """A number of steps with its noun."""
    return f"{format_count(steps)} step{'s'[: steps != 1]}"


def format_count(steps: float) -> str:
    """A number of steps, with a power of ten where it is large."""
    return f"{steps:,.0f}" if steps < SCIENTIFIC_FROM else f"{steps:.1e}".replace("e+0", "e").replace("e+", "e")
