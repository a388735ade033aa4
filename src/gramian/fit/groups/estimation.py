"""How fits by group and model are made from the sums of a pass: by least squares, or by another linear estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from gramian.fit.groups.passes import Group
from gramian.fit.groups.specifications import Model, in_pass, linear_design, moments_of
from gramian.fit.leastsquares.escalate import Escalation, escalate, escalation_of
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, first_solution
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.memory import checked_width, width_limit
from gramian.fit.passes.options import Options
from gramian.fit.vcov.fit import check_vcov, with_robust
from gramian.fit.vcov.scores import FittedModel
from gramian.formula.design import Design
from gramian.formula.grammar import Formula
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.keyed.moments import Key
from gramian.schema import Schema


class Request(NamedTuple):
    """One fit to make.

    Attributes
    ----------
    model : Model
        The model.
    group : Group
        The sums.
    key : tuple of levels or None
        The group of its rows; None for rows of all groups.
    alone : bool
        Whether the model is that of the pass itself.
    """

    model: Model
    group: Group
    key: Key | None
    alone: bool

    def sums(self) -> Group:
        """The design of the fit, and its own sums."""
        if self.alone:
            return self.group
        design = in_pass(self.group.design, self.model)
        own = self.group.accumulated
        moments = moments_of(own.moments, self.group.design, design)
        return Group(design, Accumulated(moments, own.dropped_rows), self.group.passes)


class Estimation(Protocol):
    """How fits are made; what `fit` returns is of its own kind."""

    def design(self, formula: Formula, schema: Schema, options: Options, excluded: Sequence[str], /) -> Design:
        """The columns that a pass sums for a model. excluded : columns that `.` does not stand for."""

    def check(self, job: Job, vcov: VcovSpec | None) -> None:
        """Raise what can be said before a row is read."""

    def describe(self, job: Job, escalation: Escalation) -> tuple[str, tuple[str, ...]]:
        """The solver in words, and the reasons of a plan."""

    def fit(self, request: Request) -> Any:
        """A fit from its sums alone."""

    def escalated(self, request: Request, rows: PassRunner) -> Any:
        """A fit with more digits, from passes over its own rows."""

    def with_vcov(self, request: Request, fit: Any, vcov: VcovSpec, rows: PassRunner) -> Any:
        """A fit with a robust covariance, from passes over its own rows."""

    def solved(self, fit: Any) -> Solved:
        """The numbers of the model, among those of its fit."""


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """Fits by least squares. options : how to fit. max_columns : model columns whose products fit into memory."""

    options: Options
    max_columns: int

    def design(self, formula: Formula, schema: Schema, options: Options, excluded: Sequence[str], /) -> Design:
        """The columns of the model."""
        return linear_design(formula, schema, options, excluded)

    def check(self, job: Job, vcov: VcovSpec | None) -> None:
        """Raise OptionError or SchemaError for a covariance that the model does not have."""
        if vcov is not None:
            absorbed = job.design.terms.absorbed
            check_vcov(vcov, job.source.schema, absorbed=absorbed, penalized=self.options.alpha is not None)

    def describe(self, job: Job, escalation: Escalation) -> tuple[str, tuple[str, ...]]:
        """The solver in words, and the reasons of a plan."""
        from gramian.fit.linear.plan import describe_solver, plan_notes  # a fit needs no plan

        return describe_solver(self.options), plan_notes(job, escalation)

    def fit(self, request: Request) -> Solved:
        """A fit from its sums alone."""
        return self._first(request.sums())[1]

    def _first(self, group: Group) -> tuple[System, Solved]:
        """Normal equations and fit."""
        sizes = {name: len(names) for name, names in group.accumulated.moments.levels.items()}
        checked_width(group.design.terms, sizes, self.max_columns)
        return first_solution(group.design, group.accumulated, self.options, group.passes)

    def escalated(self, request: Request, rows: PassRunner) -> Solved:
        """A fit refined until it has the requested digits or no more can be gained."""
        group = request.sums()
        # normal equations are formed again: to hold those of all fits would cost memory of groups x columns^2
        system, first = self._first(group)
        job = Job(group.design, self.options, rows)
        return escalate(first, job, group.accumulated, system, escalation_of(job))

    def with_vcov(self, request: Request, fit: Solved, vcov: VcovSpec, rows: PassRunner) -> Solved:
        """A fit with a robust covariance."""
        # scores within absorbed levels need the sums of every level
        moments = request.sums().accumulated.moments if fit.absorbed is not None else None
        return with_robust(FittedModel(fit, None, self.options.drop), fit.rss, vcov, rows, moments)

    def solved(self, fit: Solved) -> Solved:
        """The fit itself."""
        return fit


def least_squares(options: Options) -> LeastSquares:
    """Fits by least squares with these options."""
    return LeastSquares(options, width_limit())
