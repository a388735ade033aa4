"""Generalized linear fits of every model that a formula stands for, in every group of `by=`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from gramian.api.settings import Split
from gramian.errors import NumericalError
from gramian.fit.glm.design import settled
from gramian.fit.glm.fit import fit_steps, glm_steps
from gramian.fit.glm.loop import NoRowsError
from gramian.fit.glm.options import GlmOptions
from gramian.fit.glm.result import GlmFit
from gramian.fit.glm.solution import GlmSolved
from gramian.fit.groups.fit import GroupedFits, error_context, no_rows_message
from gramian.fit.groups.passes import FULL_SAMPLE, in_order
from gramian.fit.groups.result import Fits
from gramian.fit.groups.specifications import key_names, specifications, without_dot
from gramian.fit.passes.group_keys import FindGroups
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.keys import ByColumns, by_columns
from gramian.fit.passes.rows_by_group import RowsByGroup
from gramian.formula.design import outcomes_of
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.grammar import Formula
from gramian.formula.syntax import label
from gramian.linalg.keyed.moments import Key
from gramian.results.fitted_rows import FittedRows


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups whose rows have fits of their own; one of all rows without `by`.

    Attributes
    ----------
    by : ByColumns or None
        Columns that make the groups.
    keys : tuple of keys
        The groups, that of all rows first where it is wanted, too.
    rows : RowsByGroup or None
        What reads the rows of each; None without `by`.
    without : DroppedRows
        Rows that belong to no group.
    whole : tuple of str
        The part of the key of a fit to the rows of all groups, if there is one.
    """

    by: ByColumns | None
    keys: tuple[Key, ...] = ((),)
    rows: RowsByGroup | None = None
    without: DroppedRows = field(default_factory=DroppedRows)
    whole: tuple[str, ...] = ()

    @property
    def passes(self) -> int:
        """Passes over all rows that found the groups and fetched their rows."""
        return 0 if self.rows is None else 1 + self.rows.passes

    def in_memory(self, key: Key) -> bool:
        """Whether the passes of a fit were over rows in memory."""
        return self.rows is not None and self.rows.was_fetched(key[len(key) - len(self.rows.by.names) :])

    def runner(self, key: Key, runner: PassRunner) -> PassRunner:
        """What reads the rows of a group, with a count of passes of its own. runner : of all rows."""
        if self.rows is None:
            return runner.over(runner.source)
        return self.rows.of(None if key == self.whole else key)


def fit_several(formula: Formula, options: GlmOptions, runner: PassRunner, split: Split, rows: FittedRows) -> Fits:
    """A fit of every model in every group, with passes of its own.

    Parameters
    ----------
    formula : Formula
        With one model or several.
    options : GlmOptions
        How to fit.
    runner : PassRunner
        The rows, and what reads them.
    split : Split
        Which groups.
    rows : FittedRows
        The rows of all fits.

    Raises
    ------
    NumericalError
        If no row is complete.
    GramianError
        The error of a single fit, with its key named.
    """
    by = None if split.by is None else by_columns(split.by)
    parts, columns = key_names(formula, by), () if by is None else by.columns
    if by is not None:
        by.check(runner.source.schema)
    excluded = without_dot(formula, by)
    models = [(one.key, glm_steps(one.formula, options, runner.source, excluded)) for one in specifications(formula)]
    read = [column for _, steps in models for column in steps.columns]
    runner.cache_rows(tuple(dict.fromkeys([*read, *columns])))
    groups = _groups(by, runner, tuple(dict.fromkeys(read)), full=split.full, drop=options.common.drop)
    solved: dict[Key, GlmSolved] = {}
    empty: dict[Key, DroppedRows] = {}
    by_model: dict[Key, list[Key]] = {key: [] for key, _ in models}
    for key, steps in models:
        # levels of a text outcome and knots of splines are the same in all groups
        with error_context(parts[: len(key)], key):
            own = replace(steps, design=settled(steps.design, runner.source))
        for group in groups.keys:
            by_model[key].append((*key, *group))
            with error_context(parts, (*key, *group)):
                try:
                    # rows that a fit leaves out, and its passes, are its own
                    solved[*key, *group] = fit_steps(own, options, groups.runner(group, runner))
                except NoRowsError as error:
                    if by is None:
                        raise
                    empty[*key, *group] = error.dropped_rows
    return Fits(_grouped(formula, parts, groups, (solved, empty), by_model), rows, by, kind=GlmFit)


def _groups(by: ByColumns | None, runner: PassRunner, columns: tuple[str, ...], *, full: bool, drop: bool) -> Groups:
    """The groups, found in a pass over their columns. columns : those that the fits read."""
    if by is None:
        return Groups(None)
    found = runner.fold(FindGroups(by, drop))
    keys = in_order(list(found.counts), by, runner.source.schema)
    rows = RowsByGroup(runner, by, columns, {key: found.counts[key] for key in keys})
    whole = (FULL_SAMPLE,) if full else ()
    return Groups(by, (*[whole] * full, *keys), rows, found.without, whole)


def _grouped(
    formula: Formula,
    parts: tuple[str, ...],
    groups: Groups,
    fits: tuple[Mapping[Key, GlmSolved], Mapping[Key, DroppedRows]],
    by_model: Mapping[Key, list[Key]],
) -> GroupedFits:
    """The fits with what was counted. fits : by key, and keys without rows. by_model : keys of a model's fits."""
    solved, empty = fits
    totals = []
    for keys in by_model.values():
        once = [key for key in keys if not groups.whole or key[-1:] != groups.whole]
        rows = sum(solved[key].linear.rows for key in once if key in solved)
        own = (empty[key] if key in empty else solved[key].linear.dropped_rows for key in once)
        totals.append((rows, sum(own, groups.without)))
    most, left_out = max(totals, key=lambda total: total[0])
    if not solved:
        raise NumericalError(no_rows_message(formula.text, left_out))
    outcomes = tuple(label(node) for node in outcomes_of(formula.outcome))
    whole = frozenset(key for key in solved if groups.whole and key[-1:] == groups.whole)
    passes = groups.passes + sum(fit.linear.passes for key, fit in solved.items() if not groups.in_memory(key))
    # the solutions are of another kind than those of linear fits
    return GroupedFits(formula.text, parts, cast(Any, solved), left_out, empty, outcomes, most, passes, whole)
