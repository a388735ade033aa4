"""Codecs of what least squares solved for."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np

from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.accuracy import Accuracy
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.inference.covariance import ClusterPairs
from gramian.inference.estimators import CR, DEPENDENT, HC, IID
from gramian.linalg.certificate import Bounds
from gramian.linalg.products import ColumnGroup
from gramian.linalg.solve import Solution
from gramian.serialize import values
from gramian.serialize.codec import Codec, require, rule, sequence, some_of
from gramian.serialize.design import DESIGN, DROPPED, levels_of
from gramian.serialize.moments import NOTHING
from gramian.serialize.record import at, derived, fixed, record, row

IDENTIFIED = attrgetter("identified")
BOUNDS = record(
    Bounds,
    "sensitivity[p] summed_norms[p] centred_norms[p] response_norm rounding_error rho penalised refined_error",
    "~backward_error",
)
ACCURACY = record(
    Accuracy,
    "tier=precision reached doubtful wanted=requested rss_digits digits[p]? std_error_digits[p]? low[p]?",
)
PAIRS = record(ClusterPairs, "expected[p,p] pairs[*,*]")
ROBUST = record(
    RobustCovariance,
    "kind=vcov.kind clusters[clusters]=vcov.clusters like=vcov.like factor df",
    "~information=vcov.information ~lags=vcov.lags ~choice=vcov.choice ~bandwidth=vcov.bandwidth ~cutoff=vcov.cutoff",
    "~kernel=vcov.kernel ~distance=vcov.distance",
    "groups[groups] negative inner[p,p]=solved_covariance told[p,p]?=covariance",
    "~digits[p]?=std_error_digits ~root[p,p]=solved_root ~coefficient_df[p]? ~joint/",
    rule(lambda r: r.vcov.kind in (CR if r.groups else (IID, *HC, *DEPENDENT)), "a kind of covariance", "vcov.kind"),
    rule(lambda r: len(r.groups) == len(r.vcov.clusters) or r.vcov.kind in DEPENDENT, "clusters by column", "groups"),
    types=[PAIRS],
)


def _absorbed(design: Design) -> Codec[Absorbed]:
    """The effects of every absorbed factor's levels; the levels are those of the design."""
    levels = {name: len((design.levels or {})[name]) for name in design.terms.absorbed}
    effects = {name: values.finite(f"effects/{i}", n) for i, (name, n) in enumerate(levels.items())}
    counts = sequence(values.SIZE, len(levels)).convert(dict.values, lambda n: dict(zip(levels, n, strict=True)))
    own, places = design.terms.slopes, {name: i for i, name in enumerate(levels)}
    widths = {name: len(own[name].monomials) if name in own else 1 for name in levels}

    def by_variable(what: str, name: str, *axes: int) -> dict[str, Codec[Any]]:
        where, shape = f"{what}/{places[name]}", (levels[name], *axes)
        return {v: values.array(f"{where}/{i}", "float64", *shape) for i, v in enumerate(own[name].variables)}

    return record(
        Absorbed,
        fixed("levels", levels),
        at("singletons", counts),
        at("rank", values.integer(0, sum(levels[name] * widths[name] for name in levels) + 1)),
        "exact tss joined=connected",
        at("effects[]", values.each(effects)),
        at("slopes[]", values.each({name: values.each(by_variable("slopes", name)) for name in own})),
        at("~zeros", some_of({name: some_of(by_variable("zeros", name, widths[name])) for name in own})),
        "~constant",
        rule(_has_zeros, "combinations for levels without slopes", "levels"),
    )


def _has_zeros(absorbed: Absorbed) -> bool:
    """Whether there are combinations for every variable that some level has no slope of."""
    partly = {(f, v) for f, by in absorbed.slopes.items() for v, slopes in by.items() if not np.isfinite(slopes).all()}
    return all(variable in absorbed.zeros.get(factor, {}) for factor, variable in partly)


def _groups(design: Design, levels: values.LevelsByFactor) -> Codec[list[ColumnGroup]]:
    """Groups of stored columns of the design, each column in one group, the response last."""
    stored, (outcome,) = {*design.rows_layout.rows, *design.rows_layout.extra}, design.outcome
    monomials = sequence(values.MONOMIAL.checked(stored.__contains__, "stored columns of the design"))

    def group(i: int) -> Codec[ColumnGroup]:
        return row(
            ColumnGroup,
            at("factors", values.factors_of(levels)),
            at("monomials", monomials),
            at("cells[]", lambda read: values.cells(f"cells/{i}", read.factors, levels)),
            at(
                "positions[]",
                lambda read: values.codes(f"positions/{i}", values.MAX_SIZE, len(read.cells) * len(read.monomials)),
            ),
            rule(lambda g: g.factors or len(g.cells) == 1, "one cell where there are no factors", "cells.shape"),
        )

    def are_all(groups: list[ColumnGroup]) -> bool:
        columns = [(int(p), g.factors, m) for g in groups for m, positions in g.by_monomial() for p in positions]
        in_order = sorted(p for p, _, _ in columns) == list(range(len(columns)))
        return in_order and max(columns, default=()) == (len(columns) - 1, (), ((outcome, 1),))

    return sequence(group, into=list).checked(are_all, "each stored column in one group, the response last")


def _parametrization(
    width: int, design: Design, levels: values.LevelsByFactor, *, as_written: bool = False
) -> Codec[Parametrization]:
    """A parametrization of `width` columns that are solved for. as_written : by the columns of the formula."""
    columns = sequence(values.combination(width), width, list).optional()

    def subspace(read: Any) -> Codec[Any]:
        size = sum(len(group.positions) for group in read.groups)
        combinations = sequence(values.combination(size), width + 1, list)
        return combinations if as_written or size != width + 1 else combinations.optional()

    def written(read: Any) -> Codec[Any]:
        """Columns as they are written stand beside stored columns only."""
        return _parametrization(width, design, levels, as_written=True) if read.subspace is None else NOTHING

    return record(
        Parametrization,
        at("groups", _groups(design, levels)),
        at("subspace", subspace),
        at("told=to_model made=to_solved", columns),
        at("response=response_shift", values.combination(width)),
        "scale",
        at("constant", values.integer(0, width).optional()),
        at("~written/=as_written", written),
    )


def _has_first_moments(fit: Solved) -> bool:
    """Whether there is a sum of each stored column of the terms with coefficients, or none."""
    blocks, cells = fit.design.terms.coefficient_blocks, fit.levels.cells
    width = sum(len(m) * (len(cells[f]) if f else 1) for f, m in blocks.items())
    return fit.first_moments is None or len(fit.first_moments) == width


def _check(fit: Solved) -> None:
    """Variances of tiny columns may be beyond float64, and some fits have none; digits are those of finite numbers."""
    if not np.isnan(fit.inverse.diagonal()).all():
        values.known("solution.inverse", lambda fit: np.ones(len(fit.names), bool))(fit)
        values.known("inverse inverse_roots", IDENTIFIED, overflow=True)(fit)
    if fit.accuracy is not None:
        values.known("accuracy.digits accuracy.std_error_digits accuracy.low", IDENTIFIED)(fit)
        certified = fit.accuracy.digits[~np.isfinite(fit.coefficients)] > 0.0
        require(not certified.any(), "digits of finite coefficients", "digits")


def solved(*, covariance: bool = True) -> Codec[Solved]:
    """A fit by least squares. covariance : whether it has one, or nothing is written of it."""
    nothing = derived("inverse", lambda read: np.broadcast_to(np.nan, (len(read.coefficients),) * 2))
    inverse = at("inverse[p,p]?") if covariance else nothing
    solution = record(
        Solution,
        "rss condition leverage coefficients[p]",
        inverse,
        "kept[p]=independent null[p,*] ~low[p] ~root[p,p]",
        at("~bounds/", of=lambda solution: solution.finite_bounds),
        types=[BOUNDS],
    )
    return record(
        Solved,
        "formula names[p] design coefficients[p]?",
        inverse,
        "identified[p]",
        at("terms[]", lambda read: values.positions("terms", max(len(read.design.terms.terms), 1), "p")),
        "solution/ roots[p]?=inverse_roots accuracy/",
        at("cells=levels", lambda read: levels_of(read.design)),
        at("frame/=parametrization", lambda read: _parametrization(len(read.names), read.design, read.levels.names)),
        "robust/ ~first[*]=first_moments",
        at("absorbed", lambda read: _absorbed(read.design).optional()),
        "aliased empty_cells intercept rows rank passes alpha",
        DROPPED,
        "weight log_weight rss tss mean leverage condition",
        rule(lambda fit: fit.aliased.keys() <= {*fit.names}, "aliased columns of the model", "names"),
        rule(lambda fit: fit.rank <= len(fit.names), "a rank of no more than all columns", "rank"),
        rule(_has_first_moments, "sums of all stored columns", "first_moments.shape"),
        values.known("coefficients", IDENTIFIED),
        _check,
        types=[DESIGN, solution, ACCURACY, ROBUST],
        order="formula names design cells frame aliased empty_cells intercept rows rank passes alpha dropped_rows "
        "missing weight log_weight rss tss mean leverage condition solution accuracy robust absorbed roots first",
    )


SOLVED = solved()
