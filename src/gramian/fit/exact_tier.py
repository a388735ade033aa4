"""The top of the ladder: a fit from exact sums, its coefficients correctly rounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gramian.batch import Source
from gramian.data.decimal_text import as_text
from gramian.engines.progress import Progress
from gramian.errors import NotIdentifiedError, OptionError
from gramian.fit.accuracy import EXACT, LARGEST, SMALLEST, Accuracy, enough
from gramian.fit.engine import Engine
from gramian.fit.exact_pass import AccumulateExact, ExactAccumulated
from gramian.fit.exact_system import ExactSystem, exact_system
from gramian.fit.limits import check_width, width_limit
from gramian.fit.options import Options
from gramian.fit.solved import Solved
from gramian.fit.told import dependent
from gramian.formula.coding import empty_cells
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.aliasing import explain, last_columns
from gramian.linalg.certificate import MOST, UNIT, digits, times
from gramian.linalg.exact.fit import ExactFit, exact_fit
from gramian.linalg.exact.near import left_out, part
from gramian.linalg.exact.products import ExactGram, pairs
from gramian.linalg.exact.round import nearest, root
from gramian.linalg.exact.solve import exact_solve
from gramian.linalg.solve import Solution, solve
from gramian.typing import Codes, Mask, Matrix, Vector

ROUNDED = 2.0**-50  # relative, of a standard error: a product and two roots of correct roundings
WEIGHTED = 4.0 * UNIT  # relative rounding of a weight, as the square of its root


def run_exact(
    design: Design,
    options: Options,
    source: Source,
    engine: Engine,
    progress: Progress | None,
    before: Solved | None = None,
) -> Solved:
    """A fit from exact sums.

    before : the fit that did not reach the digits; columns that it left out are left out again where they differ from
    a combination of others by no more than the rounding of float64 numbers. Without it every rank is strict.
    Raises OptionError for a penalty or the minimum-norm solution, NotIdentifiedError under collinear="raise".
    """
    if options.alpha is not None or options.collinear == "min-norm":
        raise OptionError('exact sums give unpenalised fits with collinear="drop" or "raise" only')
    task = AccumulateExact(design, options.drop, options.decimal)
    done = engine.fold(as_text(source) if options.decimal else source, task, progress=progress)
    check_width(design.terms, {name: len(known) for name, known in done.moments.levels.items()}, width_limit())
    passes = 1 if before is None else before.passes + 1
    return exact_solved(design, done, options, passes, None if before is None else tuple(before.aliased))


def exact_solved(
    design: Design, done: ExactAccumulated, options: Options, passes: int = 1, suspects: tuple[str, ...] | None = None
) -> Solved:
    """A fit from exact moments; suspects : columns that may be combinations of others but for rounding."""
    moments = done.moments
    system = exact_system(design, moments)
    gram, p = system.gram(), len(system.names)
    constant, names = system.frame.constant, system.names
    out, null = left_out(gram, constant, [names.index(n) for n in suspects or ()])
    used = np.flatnonzero(~out)
    where = None if constant is None else int(np.flatnonzero(used == constant)[0])
    fit = exact_fit(part(gram, np.append(used, p)), where, tuple(names[i] for i in used), moments)
    aliased = {**dict(fit.aliased), **_explained(gram, out, null, names)}
    aliased = {n: aliased[n] for n in names if n in aliased}
    if aliased and options.collinear == "raise":
        raise NotIdentifiedError(dependent(aliased), aliased)
    every = np.column_stack([null, _rows(fit.solution.null.astype(np.float64), used, p)])
    solution = _solution(system, used, fit, every)
    return Solved(
        formula=design.formula,
        design=replace(design, levels=dict(moments.levels)),
        levels=system.levels,
        frame=system.frame,
        solution=solution,
        names=names,
        terms=tuple(c.term for c in system.columns),
        coefficients=_spread(fit.coefficients, used, p),
        inverse=_square(fit.inverse, used, p),
        identified=np.isin(np.arange(p), used[fit.solution.kept]),
        aliased=aliased,
        empty_cells=empty_cells(design.terms, system.levels),
        intercept=constant is not None,
        rows=moments.rows,
        weight=fit.weight,
        log_weight=moments.log_weight,
        rss=fit.rss,
        tss=fit.tss,
        mean=fit.mean,
        rank=fit.rank,
        leverage=float(fit.rank),
        condition=solution.condition,
        passes=passes,
        tally=done.tally,
        accuracy=_accuracy(design, system, fit, solution, used, p, options.digits),
        roots=_spread(np.where(fit.solution.kept, [root(v) for v in fit.solution.diagonal], np.nan), used, p),
    )


def _explained(gram: ExactGram, out: Mask, null: Matrix, names: tuple[str, ...]) -> Mapping[str, str]:
    norms = np.array([root(gram.fraction(i, i)) for i in range(len(names))])
    pairs = zip(np.flatnonzero(out), null.T, strict=True)
    return {names[j]: explain(column, norms, names, int(j)) for j, column in pairs}


def _spread(values: Vector, used: Codes, p: int) -> Vector:
    out = np.full(p, np.nan)
    out[used] = values
    return out


def _rows(values: Matrix, used: Codes, p: int) -> Matrix:
    out = np.zeros((p, values.shape[1]))
    out[used] = values
    return out


def _square(values: Matrix, used: Codes, p: int) -> Matrix:
    out = np.full((p, p), np.nan)
    out[np.ix_(used, used)] = values
    return out


def _solution(system: ExactSystem, used: Codes, fit: ExactFit, null: Matrix) -> Solution:
    """The same fit in the columns that predictions use: float64, from products in well-chosen coordinates.

    null : (p, r) null vectors of the model's columns.
    """
    p, constant, made = len(system.names), system.frame.constant, system.frame.made
    kept, whole_gram = used[fit.solution.kept], system.in_frame()
    if made is not None and null.shape[1]:  # other columns depend on others in these coordinates
        null = maps.multiply(maps.map_of(made), null)
        norms = np.array([root(whole_gram.fraction(i, i)) for i in range(p)])
        kept = np.setdiff1d(np.arange(p), last_columns(null, norms)[0])
    gram = part(whole_gram, np.append(kept, p))
    where = None if constant is None or constant not in kept else int(np.flatnonzero(kept == constant)[0])
    products = pairs(gram)
    found = solve(products, where, (len(kept) + 10) * UNIT)
    b, V = found.coefficients, found.inverse
    if not found.kept.all():
        exact = exact_solve(gram, where)
        b, V = np.array([nearest(c) for c in exact.coefficients]), exact.inverse
    whole, inverse, every = np.zeros(p), np.zeros((p, p)), np.zeros(p, bool)
    whole[kept], inverse[np.ix_(kept, kept)], every[kept] = b, V, True
    rss = nearest(fit.solution.rss) / system.frame.scale**2
    bounds = found.bounds
    if bounds is not None:
        reach, sizes, lengths = (_wide(v, kept, p) for v in (bounds.reach, bounds.sizes, bounds.lengths))
        bounds = replace(bounds, unit=WEIGHTED, rho=0.0, reach=reach, sizes=sizes, lengths=lengths)
    return Solution(whole, inverse, every, null, rss, found.condition, float(len(kept)), bounds)


def _wide(values: Vector, kept: Codes, p: int) -> Vector:
    out = np.zeros(p)
    out[kept] = values
    return out


def _accuracy(
    design: Design, system: ExactSystem, fit: ExactFit, solution: Solution, used: Codes, p: int, wanted: float
) -> Accuracy:
    kept = fit.solution.kept
    right = np.where(kept, np.where(np.isfinite(fit.coefficients), np.minimum(fit.digits, MOST), 0.0), np.nan)
    off = nearest(fit.solution.rss_error) + UNIT * fit.rss
    rss = float(digits(np.array([off]), np.array([fit.rss]))[0])
    roots = np.array([root(v) for v in fit.solution.diagonal])
    sound = (roots > SMALLEST) & (roots < LARGEST) & (0.0 < fit.rss < np.inf)
    found = zip(fit.solution.diagonal, fit.solution.spread, strict=True)
    share = np.array([0.5 * nearest(e / v) if v > 0 else 0.0 for v, e in found]) + ROUNDED
    errors = np.where(kept, np.where(sound, digits(share, np.ones(len(roots))), 0.0), np.nan)
    negligible = fit.rss <= 0
    if design.weight is not None:
        with np.errstate(all="ignore"):
            right, errors, rss = _weighted(system, fit, solution, used, right)
    enough_errors = negligible | (errors >= enough(wanted)) | (fit.rows <= fit.rank)
    return Accuracy(
        EXACT,
        wanted,
        _spread(right, used, p),
        _spread(errors, used, p),
        rss,
        _spread(fit.low, used, p),
        bool(((right >= wanted) & enough_errors)[kept].all()),
    )


def _weighted(
    system: ExactSystem, fit: ExactFit, solution: Solution, used: Codes, right: Vector
) -> tuple[Vector, Vector, float]:
    """Exact sums are of rows times the rounded root of their weight: what that can do to the weighted fit."""
    bounds = solution.bounds
    assert bounds is not None
    T = None if system.frame.told is None else maps.map_of(system.frame.told)
    reach = maps.spread(T, bounds.reach)[used]
    error = times(reach, WEIGHTED * np.sqrt(max(fit.rss, 0.0)))
    V = np.abs(fit.inverse.diagonal())
    se = np.sqrt(fit.rss / max(fit.rows - fit.rank, 1)) * np.sqrt(V)
    told = digits(error + UNIT * np.abs(fit.coefficients), np.fmax(np.abs(fit.coefficients), se))
    share = 0.5 * bounds.inverse(reach) / V + WEIGHTED
    return (
        np.minimum(right, told),
        digits(share, np.ones(len(V))),
        float(digits(np.array([WEIGHTED]), np.ones(1))[0]),
    )
