"""Fits with instruments of every model that a formula stands for, in every group of `by=`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gramian.api.settings import Split
from gramian.fit.groups.estimation import Request
from gramian.fit.groups.fit import fit_grouped
from gramian.fit.groups.result import Fits
from gramian.fit.groups.specifications import specifications, without_dot
from gramian.fit.iv.designs import IvDesigns, iv_designs, joint_design
from gramian.fit.iv.digits import with_digits
from gramian.fit.iv.fit import check_request, with_rows
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.result import IvFit
from gramian.fit.iv.solution import IvSolved
from gramian.fit.iv.solve import IvRun, solve_iv
from gramian.fit.leastsquares.escalate import Escalation
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.keys import ByColumns, by_columns
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import Formula
from gramian.inference.vcov_spec import VcovSpec
from gramian.results.fitted_rows import FittedRows
from gramian.schema import Schema

if TYPE_CHECKING:
    from gramian.fit.groups.estimation import Estimation


@dataclass(frozen=True, slots=True)
class WithInstruments:
    """Fits with instruments, from the sums of all columns of a model.

    Attributes
    ----------
    options : Options
        How to fit.
    iv_options : IvOptions
        The estimator.
    designs : mapping of tuple of str to IvDesigns
        Key of a model -> its designs.
    """

    options: Options
    iv_options: IvOptions
    designs: Mapping[tuple[str, ...], IvDesigns]

    def design(self, formula: Formula, schema: Schema, options: Options, excluded: Sequence[str], /) -> Design:
        """Exogenous and endogenous terms and instruments."""
        return joint_design(formula, schema, options, excluded)

    def check(self, job: Job, vcov: VcovSpec | None) -> None:
        """Raise OptionError, SchemaError or DataError for what the model does not have."""
        check_request(job, self.iv_options, vcov)

    def describe(self, job: Job, escalation: Escalation) -> tuple[str, tuple[str, ...]]:
        """The solver in words, and the reasons of a plan."""
        from gramian.fit.iv.plan import SOLVERS, plan_notes  # a fit needs no plan

        return SOLVERS[self.iv_options.estimator], plan_notes(job)

    def _run(self, request: Request) -> tuple[Design, IvRun]:
        """Both stages."""
        group = request.sums()
        designs = self.designs[request.model.key]
        return group.design, solve_iv(
            designs, group.design, group.accumulated, self.options, self.iv_options, group.passes
        )

    def fit(self, request: Request) -> IvSolved:
        """A fit from its sums alone."""
        return self._run(request)[1].solved

    def escalated(self, request: Request, rows: PassRunner) -> IvSolved:
        """A fit with more digits."""
        design, run = self._run(request)
        return self._with_digits(request, run, Job(design, self.options, rows)).solved

    def _with_digits(self, request: Request, run: IvRun, job: Job) -> IvRun:
        """With further passes, where digits are missing."""
        designs = self.designs[request.model.key]
        return with_digits(run, designs, job, request.sums().accumulated, self.iv_options)

    def with_vcov(self, request: Request, fit: IvSolved, vcov: VcovSpec, rows: PassRunner) -> IvSolved:
        """A fit with a robust covariance."""
        design, run = self._run(request)
        if fit.structural.absorbed is not None:  # both stages are those of the pass that gave the digits
            run = self._with_digits(request, run, Job(design, self.options, rows))
        run = replace(run, solved=replace(run.solved, structural=fit.structural))
        solved = with_rows(run, Job(design, self.options, rows), vcov)
        passes = fit.structural.passes + rows.passes
        return replace(solved, structural=replace(solved.structural, passes=passes))

    def solved(self, fit: IvSolved) -> Solved:
        """The numbers of the model."""
        return fit.structural


def with_instruments(
    formula: Formula, options: Options, iv_options: IvOptions, schema: Schema, by: ByColumns | None
) -> Estimation:
    """How the fits of a formula with instruments are made. Raises the errors of `iv_designs`."""
    excluded = without_dot(formula, by)
    designs = {one.key: iv_designs(one.formula, schema, options, excluded) for one in specifications(formula)}
    return WithInstruments(options, iv_options, designs)


def fit_several_iv(
    formula: Formula,
    options: Options,
    iv_options: IvOptions,
    runner: PassRunner,
    split: Split,
    rows: FittedRows,
    vcov: VcovSpec | None,
) -> Fits:
    """A fit of every model in every group, from shared passes. Raises as `gramian.fit.groups.fit.fit_grouped`."""
    by = None if split.by is None else by_columns(split.by)
    estimation = with_instruments(formula, options, iv_options, runner.source.schema, by)
    return Fits(fit_grouped(formula, options, runner, by, vcov, estimation, full=split.full), rows, by, kind=IvFit)
