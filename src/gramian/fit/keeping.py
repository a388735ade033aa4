"""An engine that keeps what the first pass over the rows left, for the Gram that is saved beside a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gramian.batch import Source
from gramian.engines.progress import Progress
from gramian.fit.engine import Engine
from gramian.fit.exact_pass import AccumulateExact, ExactAccumulated
from gramian.fit.gathered import Gathered
from gramian.fit.gram import gathered
from gramian.fit.passes import Accumulate, Accumulated
from gramian.formula.design import Design
from gramian.typing import M, Pass


@dataclass(slots=True)
class Keeping:
    """Runs passes as `engine` does, and remembers the design and the sums of the first that takes products."""

    engine: Engine
    kept: tuple[Design, Accumulated | ExactAccumulated] | None = None

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """As the engine."""
        done: Any = self.engine.fold(source, task, progress=progress)
        if self.kept is None and isinstance(task, Accumulate | AccumulateExact):
            self.kept = task.design, done
        result: M = done
        return result

    def gathered(self, source: Source) -> Gathered:
        """What a Gram of that pass holds."""
        assert self.kept is not None
        design, done = self.kept
        return gathered(design, source, done)
