"""One hypothesis about many fits: p-values and intervals that hold together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.errors import OptionError, one_of
from gramian.fit.bootstrap.sums import sums_of
from gramian.fit.bootstrap.wild import Prepared, WildOptions, equations, one_equation, prepared
from gramian.fit.groups.adjusted import AdjustedTests
from gramian.fit.groups.tables import linear_part
from gramian.fit.linear.result import LinearFit
from gramian.inference import normal
from gramian.inference.draws.sign_weights import drawn
from gramian.inference.draws.wild import TIE, draws_of
from gramian.inference.multiplicity import ADJUSTMENTS, OF_PROBABILITIES, Family, largest_critical, step_down
from gramian.linalg.keyed.moments import Key
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from gramian.engines.choice import Engine
    from gramian.fit.groups.result import Fits

ROMANO_WOLF = "romano-wolf"


def adjusted(
    fits: Fits,
    hypothesis: str,
    method: str,
    options: WildOptions,
    data: object,
    cluster: str | None,
    engine: Engine | str | None,
) -> AdjustedTests:
    """The tests of a hypothesis in all fits that have its coefficients.

    Raises
    ------
    OptionError
        For an unknown method, and where no fit has these coefficients.
    """
    one_of("method", method, (ROMANO_WOLF, *OF_PROBABILITIES))
    equation = hypothesis if "=" in hypothesis else f"{hypothesis} = 0"
    chosen = _having(fits, equation)
    if method == ROMANO_WOLF and not isinstance(next(iter(fits.values())), LinearFit):
        raise OptionError("a wild bootstrap is of linear fits; for others take holm, sidak or bonferroni")
    if method != ROMANO_WOLF:
        return _by_probability(fits, chosen, equation, method, options.level)
    return _by_draws(fits, chosen, equation, options, data, (cluster, engine))


def _having(fits: Fits, equation: str) -> Mapping[Key, LinearFit]:
    """The fits that have the coefficients of an equation. Raises the error of the first where there is none."""
    chosen: dict[Key, LinearFit] = {}
    first: OptionError | None = None
    for key, fit in zip(fits.grouped.fits, fits.values(), strict=True):
        try:
            equations(linear_part(fit), equation)
        except OptionError as error:
            first = first or error
        else:
            one_equation(linear_part(fit), equation)  # several are refused, not left out
            chosen[key] = fit
    if not chosen and first is not None:
        raise first
    return chosen


def _by_probability(
    fits: Fits, chosen: Mapping[Key, LinearFit], equation: str, method: str, level: float
) -> AdjustedTests:
    """From p-values of each fit with its covariance in force."""
    adjustment = ADJUSTMENTS[method]
    found = []
    for fit in chosen.values():
        _, row, right = one_equation(linear_part(fit), equation)
        used = row != 0.0
        estimate = float(row[used] @ fit.coefficients[used])
        std_error = math.sqrt(float(row[used] @ fit.vcov[np.ix_(used, used)] @ row[used]))
        found.append((estimate, std_error, (estimate - right) / std_error, fit.covariance.df_of(row[None])))
    estimates, errors, t, df = np.array(found).T
    p = np.array([normal.probability(t[i : i + 1], df[i])[0] for i in range(len(t))])
    width = [adjustment.critical(level, Family(len(t), len(t), float(own))) for own in df]
    own = OF_PROBABILITIES[method](p, len(p))
    return _result(fits, chosen, equation, method, level, (estimates, errors, t, p, own, np.array(width)))


def _by_draws(
    fits: Fits,
    chosen: Mapping[Key, LinearFit],
    equation: str,
    options: WildOptions,
    data: object,
    reading: tuple[str | None, Engine | str | None],
) -> AdjustedTests:
    """By the wild cluster bootstrap with the same weights for all fits."""
    ready = [_prepared(fit, equation, data, reading) for fit in chosen.values()]
    values = pc.unique(pa.concat_arrays([one.clusters.cast(ready[0].clusters.type) for one in ready]))
    values = values.take(pc.sort_indices(values))
    t, draws = _statistics(ready, values, options)
    p = (np.abs(draws) > np.abs(t)[:, None] * (1.0 + TIE)).mean(axis=1)
    width = np.full(len(t), largest_critical(draws, options.level))
    estimates = np.array([one.estimate for one in ready])
    errors = np.array([one.sums.std_error * one.root for one in ready])
    numbers = estimates, errors, t, p, step_down(t, draws, TIE), width
    return _result(
        fits, chosen, equation, ROMANO_WOLF, options.level, numbers, draws=draws.shape[1], clusters=len(values)
    )


def _prepared(fit: LinearFit, equation: str, data: object, reading: tuple[str | None, Engine | str | None]) -> Prepared:
    """The hypothesis about one fit, with its sums by cluster."""
    sums = sums_of(fit.solved, fit.fitted_rows, data, *reading)
    return prepared(fit.solved, sums.spec, sums.ordered, one_equation(fit.solved, equation))


def _statistics(ready: Sequence[Prepared], values: Any, options: WildOptions) -> tuple[Vector, Matrix]:
    """t (m,) and those of the draws (m, d): a cluster has the same weight in every fit that has rows of it."""
    places = [np.asarray(pc.index_in(one.clusters.cast(values.type), value_set=values)) for one in ready]
    t, parts = np.zeros(len(ready)), []
    for weights in drawn(options.weights, len(values), options.draws, options.seed):
        part = np.empty((len(ready), weights.shape[1]))
        for i, (one, place) in enumerate(zip(ready, places, strict=True)):
            t[i], part[i] = one.statistics(draws_of(one.sums, [weights[place]], restricted=options.restricted))
        parts.append(part)
    return t, np.concatenate(parts, axis=1)


def _result(
    fits: Fits,
    chosen: Mapping[Key, LinearFit],
    equation: str,
    method: str,
    level: float,
    numbers: tuple[Vector, Vector, Vector, Vector, Vector, Vector],
    *,
    draws: int | None = None,
    clusters: int | None = None,
) -> AdjustedTests:
    """The result. numbers : estimates, standard errors, t, p-values, adjusted ones, half-widths in standard errors."""
    estimates, errors, t, p, own, width = numbers
    intervals = np.column_stack([estimates - width * errors, estimates + width * errors])
    left_out = tuple(key for key in fits.grouped.fits if key not in chosen)
    return AdjustedTests(
        equation, method, level, fits.key_names, tuple(chosen), estimates, errors, t, p, own, intervals, left_out,
        draws, clusters,
    )  # fmt: skip
