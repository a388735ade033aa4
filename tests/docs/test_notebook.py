"""The notebook of the demo: its cells run in order, and every result shows itself as HTML."""

from __future__ import annotations

import ast
import json
from contextlib import chdir
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

DEMO = Path(__file__).resolve().parents[2] / "demo"


def shown(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; what its last expression is, as a notebook shows it."""
    *statements, last = ast.parse(source).body
    exec(compile(ast.Module(statements, []), "cell", "exec"), names)
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_every_cell_of_the_notebook_runs_and_shows_a_table(tmp_path: Path) -> None:
    spec = spec_from_file_location("flights", DEMO / "flights.py")
    assert spec is not None
    assert spec.loader is not None
    demo = module_from_spec(spec)
    spec.loader.exec_module(demo)
    demo.write(tmp_path / "data" / "flights")
    cells = json.loads((DEMO / "flights.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    with chdir(tmp_path):
        results = [shown(source, names) for source in code]
    assert all("<table" in result._repr_html_() for result in results)
    assert all(not cell.get("outputs") for cell in cells)
