"""`lesson.html` at the top of the site, for the page of the guide that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gramian as gm


def write(app: Any, failure: Exception | None) -> None:
    if failure is None and app.builder.format == "html":
        gm.lesson().save(Path(app.outdir) / "lesson.html")


def setup(app: Any) -> dict[str, bool]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
