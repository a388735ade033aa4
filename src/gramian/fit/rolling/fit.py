"""Linear fits in windows: one pass sums by group and period, each window is solved from sums of its periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gramian.engines.fold import threads_for
from gramian.errors import NumericalError
from gramian.fit.groups.fit import GroupedFits, error_context, no_rows_message, warn
from gramian.fit.groups.specifications import OUTCOME
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.stacked import fits_of
from gramian.fit.leastsquares.system import first_solution
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_keyed import KeyedAccumulated, keyed_job, keyed_pass
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.fit.rolling.options import Windows, names_of
from gramian.fit.rolling.periods import Periods
from gramian.fit.rolling.windows import window_sums
from gramian.formula.design import CodedDesign, Design, coded, with_outcome
from gramian.formula.grammar import Formula
from gramian.linalg.keyed.moments import Key
from gramian.linalg.moments import levels_with_rows
from gramian.typing import Level

SUMS_TOGETHER = 2**20  # numbers in the sums of windows that are solved together (8 MB)


@dataclass(frozen=True, slots=True)
class RollingFitted:
    """The fits of all windows.

    Attributes
    ----------
    grouped : GroupedFits
        By outcome if there are several, group, and beginning of the last period.
    rows : int
        Rows that were read and are complete.
    short : int
        Windows without a fit, because they have too few rows.
    """

    grouped: GroupedFits
    rows: int
    short: int


def fit_windows(
    formula: Formula, options: Options, runner: PassRunner, windows: Windows, by: Sequence[str]
) -> RollingFitted:
    """Fit every window from one pass.

    Raises
    ------
    FormulaError, ColumnError, SchemaError
        Where formula, groups or time do not fit the columns.
    DataError
        For more groups and periods than fit into memory.
    NumericalError
        Where no window has enough rows.
    """
    names = names_of(by, windows)
    schema = runner.source.schema
    grouping = Periods(tuple(by), windows, schema[windows.on].type)
    job = keyed_job(formula, options, runner, grouping)
    job.prepare()
    keyed = job.fold(keyed_pass(job, grouping))
    if not len(keyed):
        raise NumericalError(no_rows_message(formula.text, keyed.dropped_rows))
    outcomes, short = tuple(job.design.outcome), 0
    fits: dict[Key, Solved] = {}
    solvers = [Solver(replace(with_outcome(job.design, outcome), matrix=None), options) for outcome in outcomes]
    with threads_for(job.design.terms.width(level_counts(keyed.moments.levels))):  # once, not for every window
        windows_of_all = _windows(keyed, windows, grouping.kind)
        together = max(SUMS_TOGETHER // len(job.design.layout.rows) ** 2, 1)
        while some := list(islice(windows_of_all, together)):
            long = {k: sums for k, sums in some if sums.moments.rows >= _least_rows(windows, job.design, sums)}
            short += len(some) - len(long)
            for outcome, solver in zip(outcomes, solvers, strict=True):
                own = (outcome.removeprefix("~"),) if len(outcomes) > 1 else ()
                fits |= {(*own, *k): fit for k, fit in solver.fits(long, names).items()}
    if not fits:
        if not short:
            raise NumericalError(
                f"no window is complete: the rows of '{formula.text}' span less than one; take shorter ones"
            )
        raise NumericalError(
            f"no window has enough rows for '{formula.text}' ({short:,} have too few): take longer ones"
        )
    if len(outcomes) > 1:  # outcomes in the order of the formula, within them windows in the order of time
        position = {outcome.removeprefix("~"): i for i, outcome in enumerate(outcomes)}
        fits = dict(sorted(fits.items(), key=lambda item: position[str(item[0][0])]))
        names = (OUTCOME, *names)
    warn(fits, names, runner.source)
    plain = tuple(outcome.removeprefix("~") for outcome in outcomes)
    grouped = GroupedFits(formula.text, names, fits, keyed.dropped_rows, {}, plain)
    return RollingFitted(grouped, int(keyed.moments.rows.sum()), short)


def _windows(keyed: KeyedAccumulated, windows: Windows, kind: str) -> Iterator[tuple[Key, Accumulated]]:
    """Key and sums of every window. kind : Arrow type of the column of time."""
    for group, (periods, parts) in _series(keyed).items():
        for period, sums in window_sums(periods, parts, windows):
            yield (*group, windows.start_of(period, kind)), _with_own_levels(sums)


def _series(keyed: KeyedAccumulated) -> Mapping[Key, tuple[list[int], list[Accumulated]]]:
    """Group -> numbers of its periods, rising, and their sums, all with the levels of all rows so that they add."""
    levels = keyed.moments.levels
    series: dict[Key, tuple[list[int], list[Accumulated]]] = defaultdict(lambda: ([], []))
    for key, part in sorted(_with_rows(keyed), key=lambda item: int(item[0][-1])):
        periods, parts = series[key[:-1]]
        periods.append(int(key[-1]))
        parts.append(replace(part, moments=part.moments.with_levels(levels)))
    order = {key[:-1]: None for key in keyed.keys}
    return {group: series[group] for group in order if group in series}


def _with_rows(keyed: KeyedAccumulated) -> Iterator[tuple[Key, Accumulated]]:
    """Keys and sums of the periods that have complete rows."""
    return ((key, part) for key, part in keyed.items() if part.moments.rows)


def _with_own_levels(sums: Accumulated) -> Accumulated:
    """The sums with the levels that have rows in the window."""
    moments = sums.moments
    own = {name: levels_with_rows(levels, name, moments.tables) for name, levels in moments.levels.items()}
    return replace(sums, moments=moments.with_levels(own))


def _least_rows(windows: Windows, design: Design, sums: Accumulated) -> int:
    """Rows that a window must have, by default one more than columns. Raises DataError for too many columns."""
    return windows.min_rows or checked_width(design.terms, level_counts(sums.moments.levels)) + 1


def level_counts(levels: Mapping[str, Sequence[Level]]) -> dict[str, int]:
    """Factor -> number of levels."""
    return {name: len(values) for name, values in levels.items()}


@dataclass(slots=True)
class Solver:
    """Fits one design to the sums of windows; its columns are coded again only where levels differ.

    Attributes
    ----------
    design : Design
        With coordinates, and one outcome.
    options : Options
        How to fit.
    last : CodedDesign or None
        The design with the levels of the window before.
    """

    design: Design
    options: Options
    last: CodedDesign | None = None

    def fits(self, sums: Mapping[Key, Accumulated], names: Sequence[str]) -> dict[Key, Solved]:
        """The fits of several windows; an error names its key. names : of the parts of a key."""
        out: dict[Key, Solved] = {}
        together = self._together(list(sums.values()))
        for (key, own), fit in zip(sums.items(), together, strict=True):
            with error_context(names, key):
                out[key] = self._alone(own) if fit is None else fit
        return out

    def _together(self, sums: Sequence[Accumulated]) -> list[Solved | None]:
        """The fits that can be made together: windows of a model without factors have the same columns."""
        if not sums or self.design.terms.factors:
            return [None] * len(sums)
        self.last = coded(self.design, sums[0].moments, like=self.last)
        return fits_of(self.last, sums, self.options)

    def _alone(self, sums: Accumulated) -> Solved:
        """The fit of one window."""
        system, solved = first_solution(self.design, sums, self.options, like=self.last)
        self.last = system.coded
        return solved
