"""Linear fits from one pass: every model that a formula stands for, in every group of `by`, or each pair."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from gramian.batch import Source
from gramian.errors import AccuracyWarning, DataError, GramianError, NumericalError, OptionError
from gramian.fit.groups.estimation import Estimation, Request, least_squares
from gramian.fit.groups.passes import PassSums, run_pass
from gramian.fit.groups.specifications import (
    OUTCOME,
    SharedPass,
    Specification,
    key_names,
    shared_passes,
    specifications,
)
from gramian.fit.leastsquares.escalate import (
    MAX_SMALL_VALUES,
    Escalation,
    check_solution,
    escalation_of,
    lacks_digits,
    reached,
    shortfall,
)
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.keys import ByColumns, format_key
from gramian.fit.passes.options import Options
from gramian.fit.passes.rows_by_group import RowsByGroup
from gramian.formula.design import outcomes_of
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.grammar import Formula
from gramian.formula.syntax import label
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.keyed.moments import Key

MAX_ESCALATED = 20  # fits for which a large source is read again, each with passes of its own
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
        Outcomes in the order of the formula, within them right sides and sets of absorbed factors, then groups in the
        order of their levels.
    dropped_rows : DroppedRows
        Rows that entered no fit.
    empty : mapping of key to DroppedRows
        Fits without a complete row, and why their rows were dropped.
    outcomes : tuple of str
        Names of the outcomes.
    rows : int or None
        Rows that entered some fit; None where those of every outcome are the same.
    passes : int
        Passes that the sums of all fits took.
    whole : frozenset of key
        Fits to the rows of all groups.
    """

    formula: str
    names: tuple[str, ...]
    fits: Mapping[Key, Solved]
    dropped_rows: DroppedRows
    empty: Mapping[Key, DroppedRows]
    outcomes: tuple[str, ...]
    rows: int | None = None
    passes: int = 1
    whole: frozenset[Key] = frozenset()


def single(fit: Solved) -> GroupedFits:
    """One fit as fits by outcome."""
    names = tuple(name.removeprefix("~") for name in fit.design.outcome)
    return GroupedFits(fit.design.formula, (OUTCOME,), {names: fit}, fit.dropped_rows, {}, names)


class PassSteps(NamedTuple):
    """One pass, the models whose sums it makes, and what may follow for a fit with too few digits."""

    shared: SharedPass
    job: Job
    escalation: Escalation


@dataclass(frozen=True, slots=True)
class GroupedSteps:
    """The steps of the fits, decided before any row is read.

    Attributes
    ----------
    passes : tuple of PassSteps
        A pass for every set of absorbed factors.
    names : tuple of str
        Names of the parts of a key.
    recentres : bool
        Whether a second pass may follow, for groups that lie far from each other.
    vcov : VcovSpec or None
        The robust covariance, with a pass for every fit; None for iid errors.
    """

    passes: tuple[PassSteps, ...]
    names: tuple[str, ...]
    recentres: bool
    vcov: VcovSpec | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the fits read."""
        columns = [column for one in self.passes for column in one.job.design.columns]
        return tuple(dict.fromkeys([*columns, *(() if self.vcov is None else self.vcov.clusters)]))


def grouped_steps(
    formula: Formula,
    options: Options,
    runner: PassRunner,
    by: ByColumns | None,
    vcov: VcovSpec | None = None,
    estimation: Estimation | None = None,
    *,
    full: bool = False,
) -> GroupedSteps:
    """The steps of the fits. Raises every error that can be found before a row is read; parameters of `fit_grouped`."""
    if options.exact:
        raise OptionError("exact sums are for one fit at a time: leave exact out, or fit one group and outcome")
    estimation = estimation or least_squares(options)
    names, source = key_names(formula, by), runner.source
    if by is not None:
        by.check(source.schema)
    passes = []
    for shared in shared_passes(formula, source.schema, options, by, estimation.design):
        job = Job(shared.design, options, runner)
        passes.append(PassSteps(shared, job, escalation_of(job)))
        estimation.check(job, vcov)
    if not source.rereadable and (vcov is not None or len(passes) > 1):
        passes_text = f"{len(passes)} sets of absorbed factors take as many passes"
        why = passes_text if vcov is None else f"{vcov.name} takes one more pass for every fit"
        raise DataError(f"these data can be read once only, and {why}; give files, a frame or a list of batches")
    recentres = by is not None and source.rereadable
    return GroupedSteps(tuple(passes), names, recentres, vcov)


def fit_grouped(
    formula: Formula,
    options: Options,
    runner: PassRunner,
    by: ByColumns | None,
    vcov: VcovSpec | None = None,
    estimation: Estimation | None = None,
    *,
    full: bool = False,
) -> GroupedFits:
    """Fit every model in every group from one pass, or two if group means are far from each other.

    Every fit has the rows that have all of its own columns. Sets of absorbed factors take a pass each. A fit with fewer
    certified digits than requested is refined with passes over its own rows. One AccuracyWarning names those that still
    have too few.

    Parameters
    ----------
    formula : Formula
        With one model or several.
    options : Options
        How to fit.
    runner : PassRunner
        The source of all rows, and the engine that reads it.
    by : ByColumns or None
        Columns that make the groups; None for one group.
    vcov : VcovSpec or None
        A robust covariance, in one more pass for every fit.
    estimation : Estimation or None
        How fits are made from sums; None for least squares.
    full : bool
        Whether every model is also fitted to the rows of all groups.

    Raises
    ------
    OptionError
        For exact sums, which are not kept by group.
    NumericalError
        If no row is complete.
    GramianError
        The error of a single fit, with its key named.
    """
    estimation = estimation or least_squares(options)
    steps = grouped_steps(formula, options, runner, by, vcov, estimation, full=full)
    if vcov is not None:
        runner.cache_rows((*steps.columns, *(() if by is None else by.columns)))
    done = [run_pass(one.shared, one.job, by, recentres=steps.recentres, full=full) for one in steps.passes]
    requested, empty = _requests(specifications(formula), steps, done)
    widest = max(done, key=lambda one: one.rows)
    if not requested:
        raise NumericalError(no_rows_message(formula.text, widest.dropped_rows))
    fits = _fits(requested, estimation, runner.over(runner.source), by, steps)
    warn({key: estimation.solved(fit) for key, fit in fits.items()}, steps.names, runner.source)
    whole = frozenset(key for key, request in requested.items() if full and request.key is None)
    outcomes = tuple(label(node) for node in outcomes_of(formula.outcome))
    return GroupedFits(
        formula.text, steps.names, fits, widest.dropped_rows, empty, outcomes, widest.rows, len(done), whole
    )


def _fits(
    requested: Mapping[Key, Request],
    estimation: Estimation,
    runner: PassRunner,
    by: ByColumns | None,
    steps: GroupedSteps,
) -> dict[Key, Any]:
    """All fits from sums, then further passes for the few that need them, and for covariances."""
    fits, names, vcov = {}, steps.names, steps.vcov
    rows = _rows_by_group(requested, runner, by, steps)
    for key, request in requested.items():
        with error_context(names, key):
            fits[key] = estimation.fit(request)
    for key in _to_escalate({key: estimation.solved(fit) for key, fit in fits.items()}, runner.source):
        with error_context(names, key), warnings.catch_warnings():
            warnings.simplefilter("ignore", AccuracyWarning)  # one warning names all fits together
            fits[key] = estimation.escalated(requested[key], _rows_of(requested[key], runner, rows))
    if vcov is not None:
        for key, request in requested.items():
            with error_context(names, key):
                fits[key] = estimation.with_vcov(request, fits[key], vcov, _rows_of(request, runner, rows))
    return fits


def _requests(
    models: Sequence[Specification], steps: GroupedSteps, done: Sequence[PassSums]
) -> tuple[dict[Key, Request], dict[Key, DroppedRows]]:
    """The fits to make, in the order of the models, and those that have no rows with what was dropped."""
    places = {model.key: (at, model) for at, one in enumerate(steps.passes) for model in one.shared.models}
    requested: dict[Key, Request] = {}
    empty: dict[Key, DroppedRows] = {}
    for one in models:
        at, model = places[one.key]
        alone = len(steps.passes[at].shared.models) == 1
        for key, rows_key, group in done[at].groups_of(model):
            full_key = (*model.key, *key)
            if group.accumulated.moments.rows:
                requested[full_key] = Request(model, group, rows_key, alone)
            else:
                empty[full_key] = group.accumulated.dropped_rows
    return requested, empty


def no_rows_message(formula: str, dropped_rows: DroppedRows) -> str:
    """Error message for data without a complete row in any group."""
    causes = ", ".join(f"{n:,} {cause}" for cause, n in dropped_rows.causes.items())
    return f"no rows are left to fit '{formula}': " + (
        f"{dropped_rows.total:,} left out ({causes})" if causes else "no data"
    )


def _to_escalate(fits: Mapping[Key, Solved], source: Source) -> list[Key]:
    """Keys of the fits to refine: those with too few digits, at most `MAX_ESCALATED` where the source is large."""
    short = [key for key, fit in fits.items() if lacks_digits(fit)] if source.rereadable else []
    values = np.inf if source.rows is None else source.rows * max((len(f.names) + 1 for f in fits.values()), default=0)
    return short if values <= MAX_SMALL_VALUES else short[:MAX_ESCALATED]


def _is_short(fit: Solved) -> bool:
    """Whether digits are certified, and fewer than requested."""
    return fit.accuracy is not None and not reached(fit)


def _rows_by_group(
    requested: Mapping[Key, Request], runner: PassRunner, by: ByColumns | None, steps: GroupedSteps
) -> RowsByGroup | None:
    """What reads the rows of groups; None without groups."""
    if by is None:
        return None
    counts: dict[Key, int] = {}
    for request in requested.values():
        if request.key is not None:
            sums = request.group.accumulated
            counts[request.key] = max(counts.get(request.key, 0), sums.moments.rows + sums.dropped_rows.total)
    return RowsByGroup(runner, by, steps.columns, counts)


def _rows_of(request: Request, runner: PassRunner, rows: RowsByGroup | None) -> PassRunner:
    """What reads the rows of one fit, among others that are not complete. rows : those of groups."""
    return runner.over(runner.source) if rows is None else rows.of(request.key)


def warn(fits: Mapping[Key, Solved], names: Sequence[str], source: Source | None) -> None:
    """Warn once, with AccuracyWarning, about all fits with fewer certified digits than requested.

    Raises NumericalError for a ridge penalty that the sums of a fit do not tell from none.
    """
    for fit in fits.values():
        check_solution(fit)
    short = {key: fit for key, fit in fits.items() if _is_short(fit)}
    lines = [f"{format_key(names, key)}: {shortfall(fit, source)}" for key, fit in islice(short.items(), MAX_NAMED)]
    more = [f"{len(short) - MAX_NAMED:,} more fits have too few digits"] if len(short) > MAX_NAMED else []
    if short:
        warnings.warn(AccuracyWarning("\n".join([*lines, *more])), stacklevel=4)


@contextmanager
def error_context(names: Sequence[str], key: Key) -> Iterator[None]:
    """Put the key of a fit in front of the message of an error raised in the body of `with`. names : of its parts."""
    try:
        yield
    except GramianError as error:
        if names:
            error.args = (f"{format_key(names, key)}: {error}", *error.args[1:])
        raise
