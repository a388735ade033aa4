"""The guide is run: its Python in one namespace a page, its commands by `python -m gramian`, outputs are compared.

    ```python           runs; a ```text block right after it is what it prints, without one it prints nothing
    ```python no-check  runs; what it prints depends on the machine, a ```text block after it is an example
    ```console          `$ gramian ...` runs, the lines below it are what it prints; `no-check` as above

After a change that is meant, `python tests/docs/test_guide_pages.py` writes what is printed now into the pages.
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
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
PAGES = sorted(GUIDE.glob("[0-9]-*.md"))
FENCE = re.compile(r"^```(?P<info>\w[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
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
    """Something that was run. block : where its output stands, None where there is none. told : all of that block."""

    line: int
    block: Block | None
    checked: bool
    told: str


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
            yield Run(block.line, shown, block.checked, _python(block, name, namespace))
        elif block.kind == "console":
            yield Run(block.line, block, block.checked, _console(block))
        elif id(block) not in outputs:
            raise AssertionError(f"{name}:{block.line}: nothing runs this block of {block.kind}")


def _adjacent(page: str, a: Block, b: Block) -> bool:
    return a.kind == "python" and not page[a.end : b.start].replace("```text", "", 1).strip("`\n")


def _python(block: Block, name: str, namespace: dict[str, Any]) -> str:
    code = compile("\n" * (block.line - 1) + block.body, name, "exec")
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


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_prints_what_it_says(path: Path, tmp_path: Path) -> None:
    with chdir(shutil.copytree(GUIDE, tmp_path / "guide")):
        for run in runs(path.read_text(encoding="utf-8"), path.name):
            if run.checked:
                assert run.told == ("" if run.block is None else run.block.body), f"{path.name}:{run.line}"


@pytest.mark.parametrize("path", sorted(GUIDE.glob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    missing = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()]
    assert not missing


def test_the_index_lists_every_page() -> None:
    listed = LINK.findall((GUIDE / "README.md").read_text(encoding="utf-8"))
    assert [link for link in listed if link.endswith(".md")] == [path.name for path in PAGES]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("```python\nprint(1 + 1)\n```\n\n```text\n2\n```\n", "2\n"),
        ("```python\nx = 1\n```\n", ""),
        ("```console\n$ gramian --version\nsomething\n```\n", "$ gramian --version\ngramian 0.1.0\n"),
    ],
)
def test_blocks_are_run(page: str, told: str) -> None:
    assert [run.told for run in runs(page, "page.md")] == [told]


@pytest.mark.parametrize("page", ["```text\n2\n```\n", "```python\nx = 1\n```\nBut\n```text\n2\n```\n"])
def test_an_output_that_nothing_prints_is_refused(page: str) -> None:
    with pytest.raises(AssertionError, match="nothing runs this block of text"):
        list(runs(page, "page.md"))


def rewritten(page: str, name: str) -> str:
    """The page with what it prints now, examples left as they are."""
    told = [run for run in runs(page, name) if run.checked]
    for run in reversed(told):
        if run.block is not None:
            page = page[: run.block.start] + run.told + page[run.block.end :]
        elif run.told:
            print(f"{name}:{run.line}: prints, but has no block of text:\n{run.told}", file=sys.stderr)
    return page


def main(paths: list[Path]) -> None:
    for path in paths:
        page = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder, chdir(shutil.copytree(GUIDE, Path(folder) / "guide")):
            path.write_text(rewritten(page, path.name), encoding="utf-8")


if __name__ == "__main__":
    main([Path(p).resolve() for p in sys.argv[1:]] or PAGES)
