"""The pages of the documentation are run (`tools/pages.py` says what of them), and what they print is compared.

After a change that is meant, `python tools/pages.py` writes what is printed now into the pages.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import DOCS, GUIDE, PAGES, PICTURES, copied, runs

LINK = re.compile(r"(!?)\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
PICTURE = re.compile(rf"!\[[^]]+\]\({PICTURES}/([^)]+)\)")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_prints_what_it_says_and_makes_its_pictures(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    with copied(path) as pictures:
        for run in runs(text, path.name):
            if run.checked:
                assert run.printed == ("" if run.block is None else run.block.body), f"{path.name}:{run.line}"
        assert sorted(PICTURE.findall(text)) == sorted(picture.name for picture in pictures.iterdir())


@pytest.mark.parametrize("path", sorted(GUIDE.glob("[0-9]*-*.md")), ids=lambda path: path.stem)
def test_a_page_of_the_guide_shows_a_picture(path: Path) -> None:
    assert PICTURE.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    links = [link for _, link in LINK.findall(path.read_text(encoding="utf-8")) if not link.startswith(PICTURES)]
    assert not [link for link in links if not (path.parent / link).exists()]


def test_the_index_lists_every_page() -> None:
    listed = [link for _, link in LINK.findall((GUIDE / "README.md").read_text(encoding="utf-8"))]
    assert [link for link in listed if link.endswith(".md")] == [path.name for path in PAGES if path.parent == GUIDE]


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("```python\nprint(1 + 1)\n```\n\n```text\n2\n```\n", "2\n"),
        ("```python\nx = 1\n```\n", ""),
        ("```console\n$ gramian --version\nsomething\n```\n", "$ gramian --version\ngramian 0.1.0\n"),
    ],
)
def test_blocks_are_run(page: str, printed: str) -> None:
    assert [run.printed for run in runs(page, "page.md")] == [printed]


@pytest.mark.parametrize("page", ["```text\n2\n```\n", "```python\nx = 1\n```\nBut\n```text\n2\n```\n"])
def test_an_output_that_nothing_prints_is_refused(page: str) -> None:
    with pytest.raises(AssertionError, match="nothing runs this block of text"):
        list(runs(page, "page.md"))


def test_code_in_a_table_is_run() -> None:
    table = "| R | gramian |\n|---|---|\n| `a <- 2` | `a = 2` |\n| `a + b` | `a + b` |\n"
    with pytest.raises(NameError, match="'b' is not defined"):
        list(runs("```python\nx = 1\n```\n\n" + table, "page.md"))
