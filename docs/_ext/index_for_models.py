"""`llms.txt`: a plain list of all pages with their titles, for readers that are programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = """# gramian

> Linear models on data of any size: one pass leaves small sums, every model comes from them, with certified digits.

"""


def write(app: Any, failure: Exception | None) -> None:
    if failure is not None or app.builder.format != "html":
        return
    titles = app.env.titles
    lines = [f"- [{titles[name].astext()}]({app.builder.get_target_uri(name)})" for name in sorted(titles)]
    (Path(app.outdir) / "llms.txt").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
