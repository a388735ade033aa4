"""Estimates by the levels of i(), with zero at its reference levels: what an event study shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.errors import OptionError, did_you_mean, listing
from gramian.fit.effects.cohorts import cohort_effects
from gramian.formula.coding import level_name
from gramian.formula.functions import literal_values
from gramian.formula.grammar import parse
from gramian.formula.syntax import Call, Name, label, leaves
from gramian.typing import Level, Mask, Matrix, Vector

if TYPE_CHECKING:
    from gramian.fit.effects.averages import RowsToAverage
    from gramian.fit.effects.methods import WithEffects
    from gramian.fit.effects.model import EffectModel
    from gramian.formula.design import Design
    from gramian.formula.terms import Term


@dataclass(frozen=True, slots=True, eq=False)
class EventStudy:
    """Estimates by level.

    Attributes
    ----------
    name : str
        What the levels are of.
    levels : tuple of Level
        (k,) in order, reference levels included.
    estimates : Vector
        (k,) zero at reference levels.
    intervals : Matrix
        (k, 2) ends of the confidence intervals.
    is_reference : Mask
        (k,) levels without a column.
    """

    name: str
    levels: tuple[Level, ...]
    estimates: Vector
    intervals: Matrix
    is_reference: Mask


def event_study(
    fit: WithEffects, model: EffectModel, term: str | None, level: float, over: RowsToAverage
) -> EventStudy:
    """The estimates of a term with one i() of levels, by default of the first such term.

    Raises OptionError where there is none, or none of this name.
    """
    design = model.design
    terms = {t.label: t for t in design.terms.event_terms}
    if not terms:
        raise OptionError("iplot draws a term such as i(t, ref=-1) or i(t, treated, ref=-1); the formula has none")
    chosen = next(iter(terms.values())) if term is None else terms.get(_label(term, design))
    if chosen is None:
        raise OptionError(f"term={term!r}: no such term with i(){did_you_mean(str(term), terms)} ({listing(terms)})")
    if chosen in design.terms.cohort_terms:
        return _of_cohorts(fit, model, chosen, level, over)
    (factor,), others = chosen.factors, "".join(f":{t.names[0]}" for t in chosen.numeric_terms)
    shown = design.terms.factors[factor].shown
    levels = _ordered(tuple((design.levels or {})[factor]), design.terms.factors[factor].order)
    places = {name: i for i, name in enumerate(fit.names)}
    at = [places.get(f"{shown}[{level_name(value)}]{others}", -1) for value in levels]
    estimates, intervals = np.append(fit.coefficients, 0.0), np.vstack([fit.conf_int(level), [0.0, 0.0]])
    return EventStudy(f"{shown}{others}", levels, estimates[at], intervals[at], np.array(at) < 0)


def _of_cohorts(fit: WithEffects, model: EffectModel, term: Term, level: float, over: RowsToAverage) -> EventStudy:
    """The averages over cohorts, and zero at the reference periods."""
    effects = cohort_effects(fit, model, "period", over)
    factor, cohort = (model.design.terms.factors[name] for name in term.written_factors)
    intervals = dict(zip(effects.labels["period"], effects.conf_int(level), strict=True))
    estimates = dict(zip(effects.labels["period"], effects.estimates, strict=True))
    node = factor.node
    assert isinstance(node, Call)
    levels = sorted({*map(float, estimates), *literal_values(dict(node.keywords)["ref"])})  # type: ignore[arg-type]  # numbers
    return EventStudy(
        f"{factor.shown} since {cohort.shown}",
        tuple(levels),
        np.array([estimates.get(v, 0.0) for v in levels]),
        np.array([intervals.get(v, (0.0, 0.0)) for v in levels]),
        np.array([v not in estimates for v in levels]),
    )


def drawn(fit: WithEffects, model: EffectModel, term: str | None, level: float, over: RowsToAverage) -> Any:
    """The picture of an event study."""
    from gramian.plots.events import events

    study = event_study(fit, model, term, level, over)
    names = [level_name(value) for value in study.levels]
    is_numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in study.levels)
    x = np.array(study.levels, np.float64) if is_numeric else np.arange(len(names), dtype=np.float64)
    return events(
        x,
        study.estimates,
        study.intervals,
        study.is_reference,
        ticks=None if is_numeric else names,
        level=level,
        title=fit.formula,
        x_label=study.name,
    )


def _label(text: str, design: Design) -> str:
    """The label of the term that a text stands for, as in a formula; empty where it is none of the design."""
    key = frozenset(label(leaf) for leaf in leaves(parse(f"y ~ {text}").terms) if isinstance(leaf, Name | Call))
    return next((term.label for term in design.terms.event_terms if term.key == key), "")


def _ordered(levels: tuple[Level, ...], declared: tuple[Level, ...] | None) -> tuple[Level, ...]:
    """Levels as a categorical declares them, else as they are."""
    known = {*levels}
    return tuple(v for v in declared if v in known) if declared else levels
