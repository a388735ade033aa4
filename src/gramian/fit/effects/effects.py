"""Average predictions, comparisons and slopes: what is asked becomes quantities, their averages become a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from gramian.errors import OptionError, listing, one_of
from gramian.fit.effects.averages import Averages, RowsToAverage, averages
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.settings import (
    Change,
    Fixed,
    Quantity,
    Setting,
    Shifted,
    check_predictor,
    checked_value,
    grid,
    is_comparable,
    is_numeric,
    labels,
    levels_of,
    predictors,
    together,
)
from gramian.formula.coding import level_name
from gramian.models.links import LINKS
from gramian.results.effects import Effects
from gramian.typing import Level, Matrix, Vector

SCALES = ("response", "link")
PAIRS = ("reference", "pairwise", "sequential")
At = Mapping[str, Any] | None


def predictions(model: EffectModel, over: RowsToAverage, at: At, scale: str) -> Effects:
    """Average predictions at every combination of the values of `at`; other columns are as in the rows."""
    model = on_scale(model, scale)
    refuse_absorbed(model)
    settings = grid(at, model.design)
    found = averages(model, [Quantity(setting) for setting in settings], over)
    return _effects(model, over, found, "average predictions", labels(settings), found.values, found.gradients)


def slopes(
    model: EffectModel, over: RowsToAverage, variable: str | Sequence[str] | None, at: At, scale: str
) -> Effects:
    """Average derivatives of predictions by columns of numbers."""
    model, design = on_scale(model, scale), model.design
    names = [n for n in predictors(design) if is_numeric(n, design)] if variable is None else _listed(variable)
    for name in names:
        check_predictor(name, design)
        if not is_numeric(name, design):
            raise OptionError(f"'{name}' is a factor, and has no slope; comparisons('{name}') compares its levels")
    if not model.is_linear:
        refuse_absorbed(model)
    if not names:
        raise OptionError("no column of numbers is a predictor of this fit, so there are no slopes")
    settings = grid(at, design)
    pairs = [(name, setting) for name in names for setting in settings]
    found = averages(model, [Quantity(setting, name) for name, setting in pairs], over)
    rows = {"term": list[Level | None](name for name, _ in pairs), **labels([setting for _, setting in pairs])}
    return _effects(model, over, found, "average slopes", rows, found.values, found.gradients)


@dataclass(frozen=True, slots=True)
class Contrast:
    """A comparison of two values of a column."""

    column: str
    low: Change | None
    high: Change
    text: tuple[str, str]


def comparisons(
    model: EffectModel, over: RowsToAverage, variables: Any, at: At, scale: str, pairs: str, compare: str
) -> Effects:
    """Average differences, or ratios, of predictions between values of a column."""
    model = on_scale(model, scale)
    how = COMPARE[one_of("compare", compare, COMPARE)]
    contrasts = contrasts_of(variables, one_of("pairs", pairs, PAIRS), model)
    if how.is_ratio or not model.is_linear:
        refuse_absorbed(model)
    settings = grid(at, model.design)
    rows = [(contrast, setting) for contrast in contrasts for setting in settings]
    ends = [together(s, _setting(c.column, change)) for c, s in rows for change in (c.high, c.low)]
    distinct = list(dict.fromkeys(ends))
    found = averages(model, [Quantity(setting) for setting in distinct], over)
    groups = len(found.values) // len(distinct)
    place = {setting: i for i, setting in enumerate(distinct)}
    at_ends = [place[end] + g * len(distinct) for g in range(groups) for end in ends]
    values, gradients = how.working(found.values, found.gradients)
    high, low = at_ends[0::2], at_ends[1::2]
    found = replace(found, groups=tuple(found.groups[i] for i in high) if found.groups else ())
    texts: dict[str, list[Level | None]] = {
        "term": [c.column for c, _ in rows],
        "contrast": [how.sign.join(c.text) if c.text[1] else c.text[0] for c, _ in rows],
        **labels([setting for _, setting in rows]),
    }
    link = LINKS["log"] if how.is_ratio else None
    differences = values[high] - values[low], gradients[high] - gradients[low]
    return _effects(model, over, found, f"average {how.name}", texts, *differences, link=link)


@dataclass(frozen=True, slots=True)
class Compare:
    """How two average predictions are compared: as a difference on a working scale.

    Attributes
    ----------
    name : str
        What the comparisons are called.
    sign : str
        What stands between the two.
    working : Callable
        Averages (k,) and gradients (k, q) on the working scale.
    is_ratio : bool
        Whether the difference is exponentiated.
    """

    name: str
    sign: str
    working: Callable[[Vector, Matrix], tuple[Vector, Matrix]]
    is_ratio: bool = True


def _log(values: Vector, gradients: Matrix) -> tuple[Vector, Matrix]:
    """Logarithms of averages, NaN unless they are positive."""
    with np.errstate(all="ignore"):
        return np.log(values), gradients / values[:, None]


def _logit(values: Vector, gradients: Matrix) -> tuple[Vector, Matrix]:
    """Log odds of averages, NaN unless they lie between 0 and 1."""
    with np.errstate(all="ignore"):
        return np.log(values / (1.0 - values)), gradients / (values * (1.0 - values))[:, None]


COMPARE = {
    "difference": Compare("differences of predictions", " - ", lambda values, gradients: (values, gradients), False),
    "ratio": Compare("ratios of predictions", " / ", _log),
    "odds_ratio": Compare("odds ratios of predictions", " / ", _logit),
}


def contrasts_of(variables: Any, pairs: str, model: EffectModel) -> list[Contrast]:
    """The comparisons that are asked for: of columns by name, or by name with values."""
    design = model.design
    if not isinstance(variables, Mapping):
        comparable = [name for name in predictors(design) if is_comparable(name, design)]
        names = comparable if variables is None else _listed(variables)
        variables = dict.fromkeys(names)
    out = []
    for name, values in variables.items():
        check_predictor(name, design)
        out += _contrasts(name, values, pairs, model)
    return out


def _contrasts(name: str, values: Any, pairs: str, model: EffectModel) -> list[Contrast]:
    """The comparisons of one column. values : None, a step, or values of which pairs are compared."""
    design = model.design
    levels = levels_of(name, design)
    if levels is None and (values is None or np.ndim(values) == 0):
        if not is_comparable(name, design):
            raise OptionError(f"'{name}' is no column of numbers here: name two of its values to compare, as in a list")
        step = 1.0 if values is None else checked_value(name, values, design)
        return [Contrast(name, None, Shifted(float(step)), (str(Shifted(float(step))), ""))]
    chosen = model.ordered_levels(name) if values is None else [checked_value(name, v, design) for v in _listed(values)]
    if len(chosen) < 2:
        raise OptionError(f"'{name}' has fewer than two values, so there is nothing to compare")
    reference = [(chosen[0], other) for other in chosen[1:]]
    lows = {"reference": reference, "pairwise": list(combinations(chosen, 2)), "sequential": list(pairwise(chosen))}
    return [Contrast(name, Fixed(low), Fixed(high), (level_name(high), level_name(low))) for low, high in lows[pairs]]


def _setting(column: str, change: Change | None) -> Setting:
    """A setting of one column, or of none."""
    return () if change is None else ((column, change),)


def _listed(values: Any) -> list[Any]:
    """One value or several as a list."""
    return [values] if isinstance(values, str) or np.ndim(values) == 0 else list(values)


def refuse_absorbed(model: EffectModel) -> None:
    """Raise OptionError where predictions would need the effects of absorbed levels."""
    if (absorbed := model.solved.absorbed) is not None:
        # on the scale of the response even a slope depends on the effects of the levels
        what = "slopes and differences have" if model.is_linear else 'on scale="link" slopes and differences have'
        raise OptionError(
            f"the levels of {listing(absorbed.levels)} are absorbed, and have no covariance, so that "
            f"{'' if model.is_linear else 'slopes and '}predictions have no standard errors; {what}, and all have them "
            "where the factor is a term"
        )


def on_scale(model: EffectModel, scale: str) -> EffectModel:
    """The fit whose predictions are on this scale."""
    return replace(model, model=None) if one_of("scale", scale, SCALES) == "link" else model


def _effects(
    model: EffectModel,
    over: RowsToAverage,
    found: Averages,
    title: str,
    texts: Mapping[str, Sequence[Level | None]],
    values: Vector,
    gradients: Matrix,
    **more: Any,
) -> Effects:
    """The table of estimates; with groups the labels are repeated for each of them."""
    repeats = len(values) // max(len(next(iter(texts.values()), values)), 1)
    columns = {name: tuple(column) * repeats for name, column in texts.items()}
    if over.by is not None:
        columns = {over.by: found.groups, **columns}
    covariance = model.covariance(np.nan_to_num(gradients))
    return Effects(title, columns, values, covariance, model.df, found.rows, **more)
