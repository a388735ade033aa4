"""Runs that last: taken up again where they were interrupted, or begun again without what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeVar

from gramian.errors import OptionError
from gramian.fit.passes.runner import PassRunner
from gramian.fit.resume.checkpoint import Resumable
from gramian.fit.resume.file import Checkpoint, options_by_name
from gramian.fit.resume.skip_bad import run_skipping_bad
from gramian.formula.dropped_rows import DroppedRows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """What a run does about interrupts and damage: a file to go on from, or None; whether to leave out bad units."""

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
        """What `run` returns, and the rows of the units that were left out.

        model, formula, options : what a checkpoint is made for, and refused for anything else. It is deleted when the
        run is complete: its sums are of these data as they were, and a later run would take them for its own.
        """
        if self.skip_bad:
            return run_skipping_bad(run, runner)
        if self.checkpoint is None:
            return run(runner), DroppedRows()
        settings = {name: value for option in options for name, value in options_by_name(option).items()}
        store = Checkpoint(Path(self.checkpoint), {"model": model, "formula": formula, **settings}, runner.source)
        result = run(runner.by(Resumable(runner.engine, store)))
        store.delete()
        return result, DroppedRows()
