"""The reference has every public name, and every result that a function returns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gramian

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md")))
DIRECTIVES = re.findall(r"^\.\. auto(?:function|class|module):: (\S+)$", PAGES, re.MULTILINE)


@pytest.mark.parametrize("name", [f"gramian.{name}" for name in gramian.__all__])
def test_a_public_name_is_in_the_reference(name: str) -> None:
    assert name in DIRECTIVES


def test_every_page_is_listed() -> None:
    listed = (REFERENCE / "index.md").read_text(encoding="utf-8").split()
    assert not [path.stem for path in REFERENCE.glob("*.md") if path.stem not in (*listed, "index")]
