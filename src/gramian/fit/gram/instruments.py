"""Models of a Gram with instruments: both stages from its sums, covariances by the clusters that it stores."""

from __future__ import annotations

import warnings
from dataclasses import replace

from gramian.errors import AccuracyWarning, ColumnError, OptionError
from gramian.fit.gram.clusters import moments_for
from gramian.fit.gram.fit import in_float64
from gramian.fit.gram.models import ModelSpec, sums_of
from gramian.fit.gram.submodel import WHERE, design_plan, submodel_of
from gramian.fit.gram.sums import GramData
from gramian.fit.gram.vcov import check_not_absorbed, check_stored_clusters, with_cluster_vcov
from gramian.fit.iv.designs import iv_designs
from gramian.fit.iv.fit import with_covariances
from gramian.fit.iv.identified import shortfall_of
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.solution import GMM, IvSolved
from gramian.fit.iv.solve import IvRun, solve_iv
from gramian.fit.iv.vcov import SolutionMoments, check_iv_kind, moments_by_cluster
from gramian.fit.leastsquares.escalate import reached
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import parse
from gramian.inference.vcov_spec import VcovSpec


def fit_iv_stored(
    gram_data: GramData, spec: ModelSpec, options: Options, iv_options: IvOptions, vcov: VcovSpec | None
) -> IvSolved:
    """The fit of a model with instruments from stored sums.

    Warns with AccuracyWarning if fewer digits are certified than requested.

    Parameters
    ----------
    gram_data : GramData
        Stored sums.
    spec : ModelSpec
        Formula and group.
    options : Options
        `collinear` and `digits` are used.
    iv_options : IvOptions
        The estimator.
    vcov : VcovSpec or None
        Covariance by cluster; None for iid errors.

    Raises
    ------
    OptionError
        If clusters or the group are not stored.
    SchemaError, ColumnError
        If a column is not stored.
    NotIdentifiedError
        Where the instruments do not determine the coefficients.
    """
    assert spec.formula is not None
    _check_request(gram_data, spec, options, iv_options, vcov)
    stored = gram_data.design
    try:
        made = iv_designs(parse(spec.text), gram_data.schema, options)
    except ColumnError as error:
        raise ColumnError(error.name, error.names, WHERE) from None
    parts = [
        replace(d, weight=stored.weight, count=stored.count) for d in (made.joint, made.structural, made.instruments)
    ]
    designs = replace(made, joint=parts[0], structural=parts[1], instruments=parts[2])
    joint, accumulated = submodel_of(gram_data, designs.joint).of(*sums_of(gram_data, spec.where))
    run = solve_iv(designs, joint, in_float64(joint, accumulated), options, iv_options)
    if run.solved.structural.accuracy is not None and not reached(run.solved.structural):
        warnings.warn(AccuracyWarning(shortfall_of(run.solved, None)), stacklevel=4)
    return run.solved if vcov is None else _with_clusters(gram_data, run, vcov, options)


def _check_request(
    gram_data: GramData, spec: ModelSpec, options: Options, iv_options: IvOptions, vcov: VcovSpec | None
) -> None:
    """Raise OptionError for what the stored sums do not allow."""
    if iv_options.estimator == GMM and vcov is None:
        raise OptionError("two-step GMM needs the clusters of its weights, as in vcov={'cluster': 'firm'}")
    if vcov is None:
        return
    check_iv_kind(vcov, iv_options.estimator)
    check_stored_clusters(gram_data, vcov, options)
    if spec.where is not None:
        raise OptionError("vcov by clusters goes with a fit to all rows, not with one group")


def _with_clusters(gram_data: GramData, run: IvRun, vcov: VcovSpec, options: Options) -> IvSolved:
    """The fit with covariances by the stored clusters."""
    joint = run.inputs.design
    check_not_absorbed(joint.terms.absorbed)
    assert gram_data.clusters is not None
    plan = design_plan(gram_data, joint)
    names = {f: tuple(levels) for f, levels in run.inputs.moments.levels.items()}
    keyed = moments_for(gram_data.clusters.moments, run.system.parametrization, names, plan)

    def at_solution(structural: Solved) -> SolutionMoments:
        return moments_by_cluster(run.inputs, structural, vcov, keyed)

    def first_stage(first: Solved, design: Design) -> Solved:
        return with_cluster_vcov(gram_data, design, first, vcov)

    return with_covariances(run, vcov, options, at_solution, first_stage)
