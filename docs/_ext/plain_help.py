"""Help of commands is plain text: what Sphinx would read as markup is escaped."""

from __future__ import annotations

from typing import Any


def escape(app: Any, context: Any, lines: list[str]) -> None:
    lines[:] = [line.replace("*", r"\*") if not line.startswith(("..", "  ")) else line for line in lines]


def setup(app: Any) -> dict[str, bool]:
    app.connect("sphinx-click-process-description", escape)
    app.connect("sphinx-click-process-epilog", escape)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
