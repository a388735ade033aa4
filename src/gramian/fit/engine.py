"""What a fit asks of an engine."""

from __future__ import annotations

from typing import Protocol

from gramian.batch import Source
from gramian.engines.progress import Progress
from gramian.typing import M, Pass


class Engine(Protocol):
    """How a pass is run; the whole engine contract is one method."""

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """Lift every unit, add the partials by the fixed tree."""
        ...
