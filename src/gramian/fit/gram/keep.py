"""An engine that keeps what the first pass over the rows left, for the Gram that is saved beside a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress
from gramian.fit.gram.fit import gram_data_of
from gramian.fit.gram.sums import GramData
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.accumulate_exact import AccumulateExact, ExactAccumulated
from gramian.formula.design import Design
from gramian.typing import M, Pass


@dataclass(slots=True)
class RecordingEngine:
    """Runs passes as `engine` does, and remembers the design and the sums of the first that takes products."""

    engine: Engine
    recorded: tuple[Design, Accumulated | ExactAccumulated] | None = None

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """As the engine."""
        accumulated: Any = self.engine.fold(source, task, progress=progress)
        if self.recorded is None and isinstance(task, Accumulate | AccumulateExact):
            self.recorded = task.design, accumulated
        result: M = accumulated
        return result

    def gram_data(self, source: Source) -> GramData:
        """What a Gram of that pass holds."""
        assert self.recorded is not None
        design, accumulated = self.recorded
        return gram_data_of(design, source, accumulated)
