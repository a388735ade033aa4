"""Effects of sunab() over cohorts: averages of those of each cohort and period, weighted by their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gramian.errors import OptionError, one_of
from gramian.fit.effects.averages import RowsToAverage
from gramian.fit.effects.cohort_weights import cell_weights
from gramian.fit.effects.model import EffectModel
from gramian.formula.coding import level_name
from gramian.results.effects import Effects
from gramian.typing import Level, Matrix

if TYPE_CHECKING:
    from gramian.fit.effects.methods import WithEffects

BY = ("period", "cohort", "att")


class Cell(NamedTuple):
    """A coefficient of sunab(): its place, period and cohort, and its rows or the sum of their weights."""

    place: int
    period: Level
    cohort: Level
    weight: float


def cohort_effects(fit: WithEffects, model: EffectModel, by: str, over: RowsToAverage) -> Effects:
    """Averages of the effects of each cohort, by period, by cohort, or over all periods since the treatment.

    The shares of cohorts count as known: errors are those of a linear combination of coefficients, as in fixest. Raises
    OptionError for a formula without sunab(), and where rows have to be counted and cannot be read again.
    """
    one_of("by", by, BY)
    cells = _cells(fit, model, over)
    if by == "period":
        groups = _grouped({c.period: [] for c in sorted(cells, key=lambda c: c.period)}, cells, "period")
    else:
        after = [cell for cell in cells if cell.period >= 0]  # type: ignore[operator]  # periods are numbers
        if not after:
            raise OptionError("sunab: no period since the treatment has a coefficient")
        names: dict[Level, list[Cell]] = {c.cohort: [] for c in sorted(after, key=lambda c: c.cohort)}
        groups = _grouped(names, after, "cohort") if by == "cohort" else {"ATT": after}
    A = _averages(list(groups.values()), len(fit.names))
    known = np.nan_to_num(fit.coefficients)
    covariance = A @ np.nan_to_num(fit.vcov) @ A.T
    label = {"period": "period", "cohort": "cohort", "att": "term"}[by]
    by_what = "the weights of their rows" if model.solved.design.weight else "their rows"
    notes = (f"averages over cohorts, weighted by {by_what}",)
    return Effects("event study", {label: tuple(groups)}, A @ known, covariance, model.df, notes=notes)


def _grouped(groups: dict[Level, list[Cell]], cells: list[Cell], key: str) -> dict[Level, list[Cell]]:
    """The cells by period or cohort."""
    for cell in cells:
        groups[getattr(cell, key)].append(cell)
    return groups


def _averages(groups: list[list[Cell]], width: int) -> Matrix:
    """(groups, width) each row averages the coefficients of its cells."""
    A = np.zeros((len(groups), width))
    for i, cells in enumerate(groups):
        places, weights = np.array([c.place for c in cells]), np.array([c.weight for c in cells])
        A[i, places] = weights / weights.sum()
    return A


def _cells(fit: WithEffects, model: EffectModel, over: RowsToAverage) -> list[Cell]:
    """The coefficients of sunab() that the data determine."""
    design = model.design
    if not design.terms.cohort_terms:
        raise OptionError("the formula has no sunab(cohort, period)")
    weights = cell_weights(model, over)
    (period, cohort), factors = design.terms.cohort_terms[0].written_factors, design.terms.factors
    levels: Mapping[str, tuple[Level, ...]] = model.solved.levels.names
    places = {name: i for i, name in enumerate(fit.names)}
    out = []
    for codes in sorted(model.solved.levels.cells[tuple(sorted((period, cohort)))]):
        codes_of = dict(zip(sorted((period, cohort)), codes, strict=True))
        p, c = (levels[f][codes_of[f]] for f in (period, cohort))
        name = f"{factors[period].shown}[{level_name(p)}]:{factors[cohort].shown}[{level_name(c)}]"
        place = places.get(name)
        if place is not None and fit.identified[place]:
            out.append(Cell(place, p, c, weights.get((codes_of[period], codes_of[cohort]), 0.0)))
    return out
