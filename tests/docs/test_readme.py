"""The example of the README that shows its output is run, on the flights of the demo."""

from __future__ import annotations

from contextlib import chdir
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from pages import blocks, runs

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_prints_what_it_says(tmp_path: Path) -> None:
    spec = spec_from_file_location("flights", ROOT / "demo" / "flights.py")
    assert spec is not None
    assert spec.loader is not None
    demo = module_from_spec(spec)
    spec.loader.exec_module(demo)
    demo.write(tmp_path / demo.FOLDER)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    page = "## One pass" + text.partition("## One pass")[2].partition("\n## ")[0]
    assert [b.kind for b in blocks(page)] == ["python", "text"]
    with chdir(tmp_path):
        (run,) = runs(page, "README.md")
    assert run.block is not None
    assert run.printed == run.block.body
