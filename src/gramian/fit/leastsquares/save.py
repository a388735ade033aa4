"""Codecs of what least squares solved for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.accuracy import Accuracy
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.inference.estimators import CR, DEPENDENT, HC, IID
from gramian.inference.vcov_spec import EXPECTED, SPHERICAL, UNIFORM
from gramian.linalg.certificate import Bounds
from gramian.linalg.products import ColumnGroup
from gramian.linalg.solve import Solution
from gramian.serialize.codec import Codec, constant, mapping, require, sequence, tagged
from gramian.serialize.design import DESIGN, DROPPED, levels_of
from gramian.serialize.record import Field, at, fixed, record, row
from gramian.serialize.values import (
    MAX_SIZE,
    SIZE,
    array,
    cells,
    check_known,
    codes,
    combination,
    each,
    factors_of,
    finite,
    integer,
    positions,
)
from gramian.typing import Level, Vector

BOUNDS = record(
    Bounds,
    "sensitivity[p] summed_norms[p] centred_norms[p] response_norm rounding_error rho penalised refined_error",
    at("backward_error", absent=None),
)
ACCURACY = record(
    Accuracy,
    "tier=precision reached doubtful wanted=requested rss_digits digits[p]? std_error_digits[p]? low[p]?",
)


def _check_robust(robust: RobustCovariance) -> None:
    kind, groups, columns = robust.vcov.kind, robust.groups, robust.vcov.clusters
    kinds = CR if groups else (IID, *HC, *DEPENDENT)
    require(kind in kinds, "a kind of covariance with or without clusters", kind)
    require(len(columns) == len(groups) or kind in DEPENDENT, "a number of clusters for each column", groups)


ROBUST = record(
    RobustCovariance,
    "kind=vcov.kind clusters[clusters]=vcov.clusters like=vcov.like factor df",
    at("information=vcov.information", absent=EXPECTED),
    at("lags=vcov.lags", absent=None),
    at("cutoff=vcov.cutoff", absent=None),
    at("kernel=vcov.kernel", absent=UNIFORM),
    at("distance=vcov.distance", absent=SPHERICAL),
    "groups[groups] negative inner[p,p]=solved_covariance told[p,p]?=covariance",
    at("digits[p]?=std_error_digits root[p,p]=solved_root coefficient_df[p]?", absent=None),
    check=_check_robust,
)


def _absorbed(design: Design) -> Codec[Absorbed]:
    """The effects of every absorbed factor's levels; the levels are those of the design."""
    levels = {name: len((design.levels or {})[name]) for name in design.terms.absorbed}
    own = design.terms.slopes
    functions = sum(n * (len(own[name].monomials) if name in own else 1) for name, n in levels.items())
    effects = {name: finite(f"effects/{i}", n) for i, (name, n) in enumerate(levels.items())}
    counts = sequence(SIZE, len(levels)).convert(lambda by: by.values(), lambda n: dict(zip(levels, n, strict=True)))
    return record(
        Absorbed,
        fixed("levels", levels),
        at("singletons", counts),
        at("rank", integer(0, functions + 1)),
        "exact tss joined=connected",
        at("effects[]", each(effects)),
        *_slopes(design, levels),
        check=_check_slopes,
    )


def _check_slopes(absorbed: Absorbed) -> None:
    for name, by in absorbed.slopes.items():
        partly = {v for v, slopes in by.items() if not np.isfinite(slopes).all()}
        require(partly <= absorbed.zeros.get(name, {}).keys(), "combinations for levels without slopes", sorted(partly))


def _slopes(design: Design, levels: Mapping[str, int]) -> list[list[Field]]:
    """Slopes by the levels of absorbed factors; and where levels have none, the combinations that are zero in them."""
    own, numbers = design.terms.slopes, {name: i for i, name in enumerate(levels)}
    if not own:
        return []

    def slopes(name: str) -> Codec[Mapping[str, Vector]]:
        return each({v: _of_levels("slopes", name, v) for v in own[name].variables})

    def _of_levels(what: str, name: str, variable: str, *axes: int) -> Codec[NDArray[Any]]:
        require(name in own and variable in own[name].variables, "a variable with slopes", variable)
        place = own[name].variables.index(variable)
        return array(f"{what}/{numbers[name]}/{place}", "float64", levels[name], *axes)

    def zeros(name: str) -> Codec[Any]:
        return mapping(lambda v: _of_levels("zeros", name, v, len(own[name].monomials)))

    return [at("slopes[]", each({name: slopes(name) for name in own})), at("zeros", mapping(zeros), absent={})]


def _group(levels: Mapping[str, tuple[Level, ...]], i: int) -> Codec[ColumnGroup]:
    """A group of stored columns."""
    group = row(
        ColumnGroup,
        at("factors", factors_of(levels)),
        "monomials",
        at("cells[]", lambda read: cells(f"cells/{i}", read.factors, levels)),
        at("positions[]", lambda read: codes(f"positions/{i}", MAX_SIZE, len(read.cells) * len(read.monomials))),
    )
    return group.checked(lambda read: read.factors or len(read.cells) == 1, "one cell where there are no factors")


def _parametrization(
    width: int, levels: Mapping[str, tuple[Level, ...]], *, as_written: bool = False
) -> Codec[Parametrization]:
    """A parametrization of `width` columns that are solved for. as_written : by the columns of the formula."""
    columns = sequence(combination(width), width, list).optional()
    once = tagged("columns as they are written, once", {})
    written = once if as_written else _parametrization(width, levels, as_written=True)

    def subspace(read: Any) -> Codec[Any]:
        return sequence(combination(sum(len(g.positions) for g in read.groups)), width + 1, list).optional()

    def check(out: Parametrization) -> None:
        positions = np.concatenate([np.zeros(0, np.int64), *(g.positions for g in out.groups)])
        count, are_stored = len(positions), out.subspace is None
        in_one = count and np.array_equal(np.sort(positions), np.arange(count))
        require(in_one, "each stored column in one group", count)
        require(not are_stored or count == width + 1, f"{width + 1} stored columns", count)
        beside = not as_written if are_stored else out.as_written is None
        require(beside, "columns as they are written beside others", out.subspace)

    return record(
        Parametrization,
        at("groups", sequence(partial(_group, levels), into=list)),
        at("subspace", subspace),
        at("told=to_model made=to_solved", columns),
        at("response=response_shift", combination(width)),
        "scale",
        at("constant", integer(0, width).optional()),
        at("written/=as_written", written, absent=None),
        check=check,
    )


def _check_stored(design: Design, parametrization: Parametrization) -> None:
    """The stored columns are those of the design, and the response is the last of them."""
    known, (outcome,) = {*design.rows_layout.rows, *design.rows_layout.extra}, design.outcome
    groups = [(g, k, m) for g in parametrization.groups for k, m in enumerate(g.monomials)]
    require(all(m in known for _, _, m in groups), "stored columns of the design", [m for _, _, m in groups])
    last = max((int(p), g.factors, m) for g, k, m in groups for p in g.at(k))
    require(last[1:] == ((), ((outcome, 1),)), "a response after all other stored columns", last)
    if parametrization.as_written is not None:
        _check_stored(design, parametrization.as_written)


def _check(fit: Solved) -> None:
    """What the data determine is known; variances of tiny columns may be beyond float64, and some fits have none."""
    require(fit.aliased.keys() <= set(fit.names), "aliased columns of the model", list(fit.aliased))
    if fit.first_moments is not None:
        blocks, cells = fit.design.terms.coefficient_blocks, fit.levels.cells
        width = sum(len(m) * (len(cells[f]) if f else 1) for f, m in blocks.items())
        require(len(fit.first_moments) == width, f"sums of {width} stored columns", len(fit.first_moments))
    _check_stored(fit.design, fit.parametrization)
    check_known(fit, "coefficients", fit.identified)
    if not np.isnan(fit.inverse.diagonal()).all():
        check_known(fit, "solution.inverse", np.ones(len(fit.names), bool))
        check_known(fit, "inverse inverse_roots", fit.identified, overflow=True)
    if fit.accuracy is not None:
        check_known(fit.accuracy, "digits std_error_digits low", fit.identified)
        certified = fit.accuracy.digits[~np.isfinite(fit.coefficients)] > 0.0
        require(not certified.any(), "digits of finite coefficients", "digits")


def solved(*, covariance: bool = True) -> Codec[Solved]:
    """A fit by least squares. covariance : whether it has one, or nothing is written of it."""
    nothing = at("inverse[]", lambda read: constant(np.broadcast_to(np.nan, (len(read.coefficients),) * 2)))
    inverse = at("inverse[p,p]?") if covariance else nothing
    solution = record(
        Solution,
        "rss condition leverage coefficients[p]",
        inverse,
        "kept[p]=independent null[p,*]",
        at("low[p] root[p,p]", absent=None),
        at("bounds/", of=lambda solution: solution.finite_bounds, absent=None),
        types=[BOUNDS],
    )
    return record(
        Solved,
        "formula names[p] design coefficients[p]?",
        inverse,
        "identified[p]",
        at("terms[]", lambda read: positions("terms", max(len(read.design.terms.terms), 1), "p")),
        "solution/ roots[p]?=inverse_roots accuracy/",
        at("cells=levels", lambda read: levels_of(read.design)),
        at("frame/=parametrization", lambda read: _parametrization(len(read.names), read.levels.names)),
        "robust/",
        at("first[*]=first_moments", absent=None),
        at("absorbed", lambda read: _absorbed(read.design).optional()),
        "aliased empty_cells intercept rows",
        at("rank", lambda read: integer(0, len(read.names) + 1)),
        "passes alpha",
        DROPPED,
        "weight log_weight rss tss mean leverage condition",
        check=_check,
        types=[DESIGN, solution, ACCURACY, ROBUST],
        order="formula names design cells frame aliased empty_cells intercept rows rank passes alpha dropped_rows "
        "missing weight log_weight rss tss mean leverage condition solution accuracy robust absorbed roots first",
    )


SOLVED = solved()
