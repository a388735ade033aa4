"""Pages of the documentation are run: their Python in one namespace a page, their commands by `python -m gramian`.

    ```python           runs; a ```text block right after it is what it prints, without one it prints nothing
    ```python no-check  runs; what it prints depends on the machine, a ```text block after it is an example
    ```console          `$ gramian ...` runs, the lines below it are what it prints; `no-check` as above

Pictures that a page shows are saved by its own code, into the folder `pictures` beside it. Cells of a table whose
column is called "gramian" are code in backticks, and run as well, in the namespace that the blocks above leave.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDE = DOCS / "guide"
PAGES = [
    *sorted(GUIDE.glob("[0-9]*-*.md"), key=lambda page: int(page.stem.split("-")[0])),
    *sorted((DOCS / "from").glob("*.md")),
]
PICTURES = "pictures"  # folder beside a page, into which its code saves pictures
CODE = re.compile(r"`([^`]+)`")
BAR = re.compile(r"(?<!\\)\|")  # between the cells of a table; in a cell it is written with a backslash
FENCE = re.compile(r"^```(?P<info>\w[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
TERMINAL = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "GRAMIAN_DEBUG")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. words : what stands behind the backticks. start, end : of the body in the page."""

    words: tuple[str, ...]
    body: str
    line: int
    start: int
    end: int

    @property
    def kind(self) -> str:
        return self.words[0]

    @property
    def checked(self) -> bool:
        return "no-check" not in self.words


@dataclass(frozen=True, slots=True)
class Run:
    """Something that was run. block : where its output stands, if there is one. printed : all of that block."""

    line: int
    block: Block | None
    checked: bool
    printed: str


def blocks(page: str) -> list[Block]:
    return [
        Block(tuple(m["info"].split()), m["body"], page.count("\n", 0, m.start("body")) + 1, *m.span("body"))
        for m in FENCE.finditer(page)
    ]


def runs(page: str, name: str) -> Iterator[Run]:
    """Run a page, in the current folder."""
    namespace: dict[str, Any] = {"__name__": "guide"}
    found = blocks(page)
    outputs = {id(b) for a, b in pairwise(found) if b.kind == "text" and _adjacent(page, a, b)}
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.kind == "python":
            shown = after if after is not None and id(after) in outputs else None
            yield Run(block.line, shown, block.checked, _python(block.body, block.line, name, namespace))
        elif block.kind == "console":
            yield Run(block.line, block, block.checked, _console(block))
        elif id(block) not in outputs:
            raise AssertionError(f"{name}:{block.line}: nothing runs this block of {block.kind}")
        for line, code in _cells(page, block.end, len(page) if after is None else after.start):
            _python(code, line, name, namespace)


def _cells(page: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Line and text of the code in columns called "gramian" of the tables between two places of a page."""
    column = None
    for number, line in enumerate(page[start:end].splitlines(), page.count("\n", 0, start) + 1):
        cells = [cell.strip().replace("\\|", "|") for cell in BAR.split(line)[1:-1]]
        if not cells:
            column = None
        elif "gramian" in cells:
            column = cells.index("gramian")
        elif column is not None and column < len(cells):
            yield from ((number, code) for code in CODE.findall(cells[column]))


def _adjacent(page: str, a: Block, b: Block) -> bool:
    return a.kind == "python" and not page[a.end : b.start].replace("```text", "", 1).strip("`\n")


def _python(body: str, line: int, name: str, namespace: dict[str, Any]) -> str:
    code = compile("\n" * (line - 1) + body, name, "exec")
    with redirect_stdout(io.StringIO()) as out:
        exec(code, namespace)
    return _trimmed(out.getvalue())


def _console(block: Block) -> str:
    """The block with what its commands print now."""
    commands = [line for line in block.body.splitlines() if line.startswith("$ ")]
    return "\n".join(f"{line}\n{_command(line[2:], may_fail=block.checked)}" for line in commands)


def _command(line: str, *, may_fail: bool) -> str:
    program, *arguments = shlex.split(line)
    assert program == "gramian", f"a page runs gramian, not {program}"
    done = subprocess.run(
        [sys.executable, "-m", "gramian", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={k: v for k, v in os.environ.items() if k not in TERMINAL},
        check=False,
    )
    assert may_fail or not done.returncode, done.stdout
    return _trimmed(done.stdout)


def _trimmed(text: str) -> str:
    """Without blanks at the ends of lines, which nobody sees."""
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


@contextmanager
def copied(page: Path) -> Iterator[Path]:
    """A context that runs in a copy of the folder of a page, with an empty folder for pictures: that folder's path."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / page.parent.name
        shutil.copytree(page.parent, copy, ignore=shutil.ignore_patterns(PICTURES))
        (copy / PICTURES).mkdir()
        with chdir(copy):
            yield copy / PICTURES


def rewritten(page: str, name: str) -> str:
    """The page with what it prints now, examples left as they are."""
    printed = [run for run in runs(page, name) if run.checked]
    for run in reversed(printed):
        if run.block is not None:
            page = page[: run.block.start] + run.printed + page[run.block.end :]
        elif run.printed:
            print(f"{name}:{run.line}: prints, but has no block of text:\n{run.printed}", file=sys.stderr)
    return page


def main(paths: list[Path]) -> None:
    """Write what is printed now into the pages."""
    for path in paths:
        page = path.read_text(encoding="utf-8")
        with copied(path):
            path.write_text(rewritten(page, path.name), encoding="utf-8")


if __name__ == "__main__":
    main([Path(p).resolve() for p in sys.argv[1:]] or PAGES)
