"""Linear fits by group and outcome from one pass: for every group of `by`, every outcome of c(y1, y2), or each pair."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import numpy as np

from gramian.batch import Source
from gramian.errors import AccuracyWarning, DataError, GramianError, NumericalError, OptionError
from gramian.fit.groups.recentre import recentred
from gramian.fit.leastsquares.escalate import (
    MAX_SMALL_VALUES,
    Escalation,
    check_solution,
    escalate,
    escalation_of,
    reached,
    shortfall,
)
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, first_solution
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.accumulate_keyed import keyed_job, keyed_pass
from gramian.fit.passes.job import Job, PassRunner, job_of
from gramian.fit.passes.keys import ByColumns, describe_key, format_key
from gramian.fit.passes.memory import checked_width, format_bytes, memory_limit, width_limit
from gramian.fit.passes.options import Options
from gramian.fit.passes.row_filter import Subset
from gramian.formula.design import Design, has_multiple_outcomes, with_outcome
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.grammar import Formula
from gramian.linalg.keyed.moments import Key
from gramian.schema import Schema
from gramian.typing import Level

OUTCOME = "outcome"
MAX_ESCALATED = 20  # fits for which a large source is read again, each with passes of its own
FIT_BYTES = 20_000  # of a fit of two columns, as was measured
MAX_NAMED = 5  # fits with too few digits that a warning names


@dataclass(frozen=True, slots=True)
class GroupedFits:
    """Linear fits by key, before they become results.

    Attributes
    ----------
    formula : str
        The formula as it was given.
    names : tuple of str
        Names of the parts of a key.
    fits : mapping of key to Solved
        Outcomes in the order of the formula, within them groups in the order of their levels.
    dropped_rows : DroppedRows
        Dropped rows of all groups.
    empty : mapping of key to DroppedRows
        Groups without a complete row, and why their rows were dropped.
    outcomes : tuple of str
        Names of the outcomes.
    """

    formula: str
    names: tuple[str, ...]
    fits: Mapping[Key, Solved]
    dropped_rows: DroppedRows
    empty: Mapping[Key, DroppedRows]
    outcomes: tuple[str, ...]


def single(fit: Solved) -> GroupedFits:
    """One fit as fits by outcome."""
    names = tuple(name.removeprefix("~") for name in fit.design.outcome)
    return GroupedFits(fit.design.formula, (OUTCOME,), {names: fit}, fit.dropped_rows, {}, names)


class Group(NamedTuple):
    """Sums of one group.

    Attributes
    ----------
    design : Design
        With the coordinates (shifts and scales) of the moments.
    accumulated : Accumulated
        Moments and dropped rows of the group.
    passes : int
        Passes that the moments needed.
    """

    design: Design
    accumulated: Accumulated
    passes: int = 1


@dataclass(frozen=True, slots=True)
class SharedInputs:
    """Inputs that all fits share.

    Attributes
    ----------
    options : Options
        How to fit.
    runner : PassRunner
        The source of all rows, and the engine that reads it.
    by : ByColumns or None
        Columns that make the groups.
    max_columns : int
        Model columns whose products fit into memory.
    """

    options: Options
    runner: PassRunner
    by: ByColumns | None
    max_columns: int


@dataclass(frozen=True, slots=True)
class GroupedSteps:
    """The steps of the fits, decided before any row is read.

    Attributes
    ----------
    job : Job
        The pass that all fits share.
    names : tuple of str
        Names of the parts of a key.
    recentres : bool
        Whether a second pass may follow, for groups that lie far from each other.
    escalation : Escalation
        What may follow for a fit with too few digits.
    """

    job: Job
    names: tuple[str, ...]
    recentres: bool
    escalation: Escalation


def grouped_steps(formula: Formula, options: Options, runner: PassRunner, by: ByColumns | None) -> GroupedSteps:
    """The steps of the fits. Raises every error that can be found before a row is read."""
    if options.exact:
        raise OptionError("exact sums are for one fit at a time: leave exact out, or fit one group and outcome")
    names = _names(formula, by)
    if by is None:
        job = job_of(formula, options, runner, multiple_outcomes=True)
    else:
        job = keyed_job(formula, options, runner, by)
    return GroupedSteps(job, names, by is not None and job.source.rereadable, escalation_of(job))


def fit_grouped(formula: Formula, options: Options, runner: PassRunner, by: ByColumns | None) -> GroupedFits:
    """Fit every outcome in every group from one pass, or two if group means are far from each other.

    A fit with fewer certified digits than requested is refined with passes over its own rows. One AccuracyWarning names
    those that still have too few.

    Parameters
    ----------
    formula : Formula
        With one outcome or several.
    options : Options
        How to fit.
    runner : PassRunner
        The source of all rows, and the engine that reads it.
    by : ByColumns or None
        Columns that make the groups; None for one group.

    Raises
    ------
    OptionError
        For exact sums, which are not kept by group.
    NumericalError
        If no row is complete.
    GramianError
        The error of a single fit, with the group named.
    """
    steps = grouped_steps(formula, options, runner, by)
    names, source = steps.names, runner.source
    groups, dropped_rows = _one_group(steps.job) if by is None else _by_group(steps, by)
    nonempty = {key: group for key, group in groups.items() if group.accumulated.moments.rows}
    if not nonempty:
        raise NumericalError(no_rows_message(formula.text, dropped_rows))
    outcomes = tuple(next(iter(nonempty.values())).design.outcome)
    shared = SharedInputs(options, runner.over(source), by, width_limit())
    multiple_outcomes = len(outcomes) > 1
    requested = {
        ((r.removeprefix("~"),) if multiple_outcomes else ()) + k: (g, r, k)
        for r in outcomes
        for k, g in nonempty.items()
    }
    # first all fits from sums, then further passes for the few that need them: normal equations are formed again there,
    # because holding those of all fits would cost memory of groups x columns^2
    fits = {key: _one_pass_fit(*request, shared)[1] for key, request in requested.items()}
    for key in _to_escalate(fits, source):
        fits[key] = _escalated(*requested[key], shared)
    warn(fits, names, source)
    empty = {key: group.accumulated.dropped_rows for key, group in groups.items() if key not in nonempty}
    outcome_names = tuple(name.removeprefix("~") for name in outcomes)
    return GroupedFits(formula.text, names, fits, dropped_rows, empty, outcome_names)


def _one_group(job: Job) -> tuple[dict[Key, Group], DroppedRows]:
    """Sums of all rows, under the empty key, for several outcomes."""
    job.prepare()
    accumulated = job.fold(Accumulate(job.design, job.options.drop))
    return {(): Group(job.design, accumulated)}, accumulated.dropped_rows


def _by_group(steps: GroupedSteps, by: ByColumns) -> tuple[dict[Key, Group], DroppedRows]:
    """Sums of every group, from a second pass with a shift for each group where the first one needs it."""
    job = steps.job
    job.prepare()
    task = keyed_pass(job, by)
    keyed = job.fold(task)
    _check_memory(len(keyed.keys) * len(job.design.outcome), by)
    recentred_pass = recentred(task, keyed) if steps.recentres else None
    if recentred_pass is None:
        groups = {key: Group(job.design, accumulated) for key, accumulated in keyed.items()}
    else:
        sums = job.fold(recentred_pass.task)
        groups = {key: Group(design, accumulated, 2) for key, design, accumulated in recentred_pass.items(sums)}
    return {key: groups[key] for key in _in_order(list(groups), by, job.source.schema)}, keyed.dropped_rows


def _check_memory(fits: int, by: ByColumns) -> None:
    """Raise DataError where the fits of all groups do not fit into memory."""
    limit = memory_limit() // FIT_BYTES
    if fits > limit:
        raise DataError(
            f"{by} makes {fits:,} fits, and {limit:,} fit into memory, about {format_bytes(FIT_BYTES)} for each; "
            "read a part of the groups at a time, or absorb the column (y ~ x | column) where only its effect counts"
        )


def no_rows_message(formula: str, dropped_rows: DroppedRows) -> str:
    """Error message for data without a complete row in any group."""
    causes = ", ".join(f"{n:,} {cause}" for cause, n in dropped_rows.causes.items())
    return f"no rows are left to fit '{formula}': " + (
        f"{dropped_rows.total:,} left out ({causes})" if causes else "no data"
    )


def _one_pass_fit(group: Group, response: str, key: Key, shared: SharedInputs) -> tuple[System, Solved]:
    """Normal equations and fit of one outcome in one group, from its sums alone."""
    design, accumulated = with_outcome(group.design, response), group.accumulated
    sizes = {name: len(names) for name, names in accumulated.moments.levels.items()}
    with error_context(shared.by, key):
        checked_width(design.terms, sizes, shared.max_columns)
        return first_solution(design, accumulated, shared.options, group.passes)


def _to_escalate(fits: Mapping[Key, Solved], source: Source) -> list[Key]:
    """Keys of the fits to refine: those with too few digits, at most `MAX_ESCALATED` where the source is large."""
    short = [key for key, fit in fits.items() if not reached(fit)] if source.rereadable else []
    values = np.inf if source.rows is None else source.rows * max((len(f.names) + 1 for f in fits.values()), default=0)
    return short if values <= MAX_SMALL_VALUES else short[:MAX_ESCALATED]


def _escalated(group: Group, response: str, key: Key, shared: SharedInputs) -> Solved:
    """A fit refined by passes over its own rows, until it has the requested digits or no more can be gained."""
    system, first = _one_pass_fit(group, response, key, shared)
    # a row entered only if all outcomes were present: the refinement of one has to see the same rows
    others = tuple(node for name, node in group.design.outcome.items() if name != response)
    # a filter over the shared source: the group's rows are not known to lie together in any file
    subset = Subset(shared.runner.source, shared.by, key)
    design = replace(with_outcome(group.design, response), present=others)
    job = Job(design, shared.options, shared.runner.over(subset))
    with error_context(shared.by, key), warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # one warning names all fits together
        return escalate(first, job, group.accumulated, system, escalation_of(job))


def warn(fits: Mapping[Key, Solved], names: Sequence[str], source: Source | None) -> None:
    """Warn once, with AccuracyWarning, about all fits with fewer certified digits than requested.

    Raises NumericalError for a ridge penalty that the sums of a fit do not tell from none.
    """
    for fit in fits.values():
        check_solution(fit)
    short = {key: fit for key, fit in fits.items() if not reached(fit)}
    lines = [f"{format_key(names, key)}: {shortfall(fit, source)}" for key, fit in islice(short.items(), MAX_NAMED)]
    more = [f"{len(short) - MAX_NAMED:,} more fits have too few digits"] if len(short) > MAX_NAMED else []
    if short:
        warnings.warn(AccuracyWarning("\n".join([*lines, *more])), stacklevel=4)


@contextmanager
def error_context(by: ByColumns | None, key: Key) -> Iterator[None]:
    """Put the group's name in front of the message of an error raised in the body of `with`."""
    try:
        yield
    except GramianError as error:
        if by is not None:
            error.args = (f"{describe_key(by, key)}: {error}", *error.args[1:])
        raise


def _names(formula: Formula, by: ByColumns | None) -> tuple[str, ...]:
    """Names of the parts of a key: "outcome" if there are several, then the columns of `by`."""
    names = () if by is None else by.names
    if not has_multiple_outcomes(formula):
        return names
    if OUTCOME in names:
        raise OptionError(f"by='{OUTCOME}': with several outcomes this names the outcome of a fit; rename the column")
    return (OUTCOME, *names)


def _in_order(keys: Sequence[Key], by: ByColumns, schema: Schema) -> list[Key]:
    """Keys in the order of their levels: the declared order of a categorical column, else ascending."""
    declared = [{level: i for i, level in enumerate(schema[name].levels or ())} for name in by.names]

    def sort_key(key: Key) -> list[tuple[int, int, Level]]:
        parts = zip(key, declared, strict=True)
        return [(order.get(v, len(order)), isinstance(v, str), 0 if v in order else v) for v, order in parts]

    return sorted(keys, key=sort_key)
