"""How far a call travels through the files of the package.

Each call runs once to warm up (imports, caches), then once under a profile hook. The *current* file of a thread is that
of the innermost function of the package on its stack; code of other packages, and code without a file (methods that
`dataclass` makes), leave it as it is. A *move* is a change of the current file, at a call or at a return; the entry is
the first. *Files* are all that were current once, *parses* are calls of the formula's parser. Data: 1,000 rows, one
Parquet file of two row groups, one thread of the engine, so that the counts are the same on every machine.
"""

from __future__ import annotations

import math
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from measures.layout import PACKAGE, PARSER, SOURCE

ROWS, FIRMS = 1000, 20


@dataclass(slots=True)
class Journey:
    """A recorder: files entered, moves between them, and parses."""

    package: str
    parser: tuple[str, str]
    files: set[str] = field(default_factory=set)
    moves: int = 0
    parses: int = 0
    _current: dict[int, str] = field(default_factory=dict)

    def event(self, frame: FrameType, event: str, argument: object) -> None:
        """What `sys.setprofile` calls."""
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(self.package):
            return
        if event == "call":
            self.parses += (code.co_filename, code.co_name) == self.parser
            self._enter(code.co_filename)
        elif file := self._above(frame.f_back):
            self._enter(file)

    def _enter(self, file: str) -> None:
        thread = threading.get_ident()
        self.moves += self._current.get(thread) != file
        self._current[thread] = file
        self.files.add(file)

    def _above(self, frame: FrameType | None) -> str | None:
        while frame is not None and not frame.f_code.co_filename.startswith(self.package):
            frame = frame.f_back
        return None if frame is None else frame.f_code.co_filename

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record this thread, and those that start meanwhile."""
        threading.setprofile(self.event)
        sys.setprofile(self.event)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)


def journeys() -> dict[str, Journey]:
    """What the four calls that are watched do."""
    sys.path.insert(0, str(SOURCE))
    import gramian

    if Path(gramian.__file__).parent != PACKAGE:
        raise ImportError(f"another gramian is imported: {gramian.__file__}")
    with TemporaryDirectory() as folder:
        return {name: _journey(call) for name, call in _calls(gramian, _data(Path(folder) / "rows.parquet")).items()}


def _calls(gm: Any, data: str) -> dict[str, Callable[[], object]]:
    engine = gm.Local(threads=1)
    return {
        "ols": lambda: gm.ols("y ~ x", data, engine=engine),
        "ols_clusters": lambda: gm.ols("y ~ x", data, vcov={"cluster": "firm"}, engine=engine),
        "glm": lambda: gm.glm("z ~ x", data, engine=engine),
        "gram_model": lambda: gm.gram("y ~ x + w", data, engine=engine).ols("y ~ x"),
    }


def _journey(call: Callable[[], object]) -> Journey:
    journey = Journey(f"{PACKAGE}{os.sep}", _parser())
    call()
    with journey.recording():
        call()
    return journey


def _parser() -> tuple[str, str]:
    path, name = PARSER
    if f"def {name}(" not in (PACKAGE / path).read_text("utf-8"):
        raise LookupError(f"{path} has no function {name}: change PARSER in measures/layout.py")
    return str(PACKAGE / path), name


def _data(path: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = random.Random(1)
    x = [draw.gauss(0, 1) for _ in range(ROWS)]
    columns = {
        "x": x,
        "w": [draw.gauss(0, 1) for _ in x],
        "y": [1 + 2 * value + draw.gauss(0, 1) for value in x],
        "z": [int(draw.random() < 1 / (1 + math.exp(-value))) for value in x],
        "firm": [f"f{row % FIRMS}" for row in range(ROWS)],
    }
    pq.write_table(pa.table(columns), path, row_group_size=ROWS // 2)
    return str(path)
