"""Keyword arguments as the objects that the fits take, and the run of a fit with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from gramian.data.source import source_of
from gramian.engines.choice import engine_of
from gramian.errors import OptionError
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.options import Options, checked_options
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.grammar import Formula
from gramian.formula.syntax import SLOPES, SLOPES_ALONE, Call, Node, label
from gramian.inference.estimators import IID
from gramian.keywords import DEFAULTS, Columns, IteratedKeywords, part_of
from gramian.schema import Schema

T = TypeVar("T")


def runner_of(data: object, given: Mapping[str, Any]) -> PassRunner:
    """The rows, and what reads them."""
    progress = given["progress"]
    if progress is not None:
        from gramian.engines.bar import progress_of  # most runs have none

        progress = progress_of(progress)
    source, engine = source_of(data, given["where"], given["panel_id"]), engine_of(given["engine"], data)
    in_table = type(data).__name__ == "SqlTable" or getattr(source, "table", None) is not None
    if in_table and given["panel_id"] is None and not (given.get("checkpoint") or given.get("skip_bad")):
        from gramian.fit.database.engine import InDatabase  # most data are in no database

        engine = InDatabase(engine)
    return PassRunner(source, engine, progress)


def options_of(given: Mapping[str, Any], alpha: float | None = None) -> Options:
    """How to fit; what a function does not take has its default.

    Parameters
    ----------
    given : mapping of str to object
        Keyword arguments.
    alpha : float, optional
        Ridge penalty.

    Raises
    ------
    OptionError
        Where a value has no meaning.
    """
    return checked_options({**DEFAULTS, **given}, alpha)


def vcov_of(given: Mapping[str, Any], formula: Formula, schema: Schema) -> Any:
    """The option `vcov=`, with the columns that the formula or the data say where it names none.

    Raises OptionError where they say none.
    """
    vcov = given["vcov"]
    if vcov == IID or (isinstance(vcov, Mapping) and "cluster" in vcov):  # nothing is missing
        return vcov
    from gramian.fit.vcov.names import Names, completed_vcov, in_all

    def names() -> Names:
        sets = [factors for _, factors in formula.absorbed_sets] or [formula.absorbed]
        return Names(
            schema.names, in_all([tuple(_written(node) for node in factors) for factors in sets]), schema.panel
        )

    return completed_vcov(vcov, names)


def _written(node: Node) -> str:
    """An absorbed factor as it is written, without the variables that have slopes by its levels."""
    return label(node.arguments[0] if isinstance(node, Call) and node.function in (SLOPES, SLOPES_ALONE) else node)


@dataclass(frozen=True, slots=True)
class Split:
    """Which groups have fits of their own.

    Attributes
    ----------
    by : str or sequence of str, or None
        Columns that make the groups; None for none.
    full : bool
        Whether there is also a fit to the rows of all groups.
    """

    by: Columns | None
    full: bool = False


def split_of(given: Mapping[str, Any]) -> Split:
    """The groups that `by`, `split` or `fsplit` asks for. Raises OptionError for two of them."""
    asked = [name for name in ("by", "split", "fsplit") if given[name] is not None]
    if len(asked) > 1:
        raise OptionError(f"{asked[0]} and {asked[1]} both make groups: take one of them")
    for name in asked:
        if name != "by" and not isinstance(given[name], str):
            raise OptionError(f"{name} must be the name of a column, found {given[name]!r}; by takes several")
    return Split(given[asked[0]], asked[0] == "fsplit") if asked else Split(None)


def iterated_of(given: Mapping[str, Any]) -> IteratedKeywords:
    """Those keyword arguments that only generalized linear models have."""
    return part_of(given, IteratedKeywords)


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """What a run does about interrupts and unreadable units.

    Attributes
    ----------
    checkpoint : str, path-like or None
        File to save to, and to resume from.
    skip_bad : bool
        Whether units that cannot be read are left out and named.

    Raises
    ------
    OptionError
        For a checkpoint that is no file name, or both options together: without a unit a run has to start again.
    """

    checkpoint: str | PathLike[str] | None = None
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if self.checkpoint is not None and not isinstance(self.checkpoint, str | PathLike):
            raise OptionError(f"checkpoint must be the name of a file, found {type(self.checkpoint).__name__}")
        if self.checkpoint is not None and self.skip_bad:
            raise OptionError("checkpoint and skip_bad do not go together: without a unit a run has to begin anew")

    def run(
        self,
        run: Callable[[PassRunner], T],
        runner: PassRunner,
        model: str,
        formula: str,
        *options: object,
    ) -> tuple[T, DroppedRows]:
        """The result of `run`, and the rows of the units that were skipped.

        The checkpoint is deleted when the run is complete: its sums belong to the data as they were, and a later run
        must not take them for its own.

        Parameters
        ----------
        run : callable
            The fit, given a runner of passes.
        runner : PassRunner
            Source and engine.
        model, formula : str
            What the checkpoint is for; it is refused for anything else.
        *options : dataclasses
            Options of the fit, which have to be the same when it is resumed.
        """
        if self.skip_bad:
            from gramian.fit.resume.skip_bad import run_skipping_bad

            return run_skipping_bad(run, runner)
        if self.checkpoint is None:
            return run(runner), DroppedRows()
        from gramian.fit.resume.checkpoint import Resumable  # most runs have no checkpoint
        from gramian.fit.resume.file import Checkpoint, options_by_name

        settings = {name: value for option in options for name, value in options_by_name(option).items()}
        store = Checkpoint(Path(self.checkpoint), {"model": model, "formula": formula, **settings}, runner.source)
        result = run(runner.by(Resumable(runner.engine, store)))
        store.delete()
        return result, DroppedRows()
