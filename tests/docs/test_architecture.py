"""The map is true: what it and the decisions name is there, and no folder of the package is missing from it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "gramian"
MAP = ROOT / "ARCHITECTURE.md"
PAGES = (MAP, ROOT / "AGENTS.md", *sorted((ROOT / "docs" / "decisions").glob("*.md")))
CODE = re.compile(r"`([^`\s]+)`")
PATH = re.compile(r"[\w.]*(?:/[\w.*-]*)+|[\w-]+\.(?:py|md|toml)|Makefile")
FURNITURE = {
    f"{name}.py"
    for name in (
        "options", "plan", "accumulate", "fit", "solution", "result", "predict", "report", "tables", "plot", "save",
    )
}  # fmt: skip
DEFINITION = r"^\s*(?:def|class)\s+{0}\b|^{0}\b\s*(?::[^=\n]+)?="


def block(name: str) -> list[str]:
    """Lines of the fenced block of this name."""
    found = re.search(rf"^```{name}\n(.*?)^```$", MAP.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1].splitlines()


def in_tree() -> Iterator[str]:
    """Paths of the tree, those of files below the folder that they stand under."""
    folder = ""
    for line in block("tree"):
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name.endswith("/") else ""
        yield folder + name if line.startswith(" ") else name


def in_code(page: Path) -> Iterator[str]:
    """Paths between backticks, with `:name` if one is there, but for the files that every model's folder has."""
    for text in CODE.findall(re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)):
        path = text.partition(":")[0]
        if PATH.fullmatch(path) and path not in FURNITURE and path not in ("file.py", "year=2024/"):
            yield text


def located(path: str) -> Path | None:
    """A path of the package or of the repository."""
    return next((base / path for base in (PACKAGE, ROOT) if (base / path).exists()), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_named_exists(page: Path) -> None:
    missing = []
    for text in (*in_code(page), *(in_tree() if page == MAP else ())):
        path, _, name = text.replace("::", ":").partition(":")
        at = located(path)
        if at is None or (name and not re.search(DEFINITION.format(name), at.read_text(), re.MULTILINE)):
            missing.append(text)
    assert missing == []


def test_every_folder_is_on_the_map() -> None:
    folders = {f"{p.parent.relative_to(PACKAGE)}/" for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE}
    assert folders - set(in_tree()) == {"fit/"}  # whose folders are
    assert {p.name for p in PACKAGE.glob("[a-z]*.py")} <= set(in_tree())


@pytest.mark.parametrize(("name", "top"), [("layers", "gramian"), ("layers-of-fit", "gramian.fit")])
def test_layers_are_those_that_are_checked(name: str, top: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(c for c in contracts if c["type"] == "layers" and c.get("containers", ["gramian"]) == [top])
    written = [re.split(r"\s{2,}", line)[0] for line in block(name)]
    assert written == [layer.replace("gramian.", "") for layer in contract["layers"]]


def test_each_decision_has_a_number_of_its_own() -> None:
    """Two records were once written under the same number; the title says the number of the file's name."""
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in records]
    assert numbers == list(range(1, len(records) + 1))
    for number, path in zip(numbers, records, strict=True):
        assert path.read_text().startswith(f"# {number}. "), path.name
