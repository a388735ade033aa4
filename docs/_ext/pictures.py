"""Pictures of the pages, made by the code of the pages before they are read."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from pages import PAGES, PICTURES, copied, runs


def make(page: Path) -> None:
    """Run a page in a copy of its folder, and keep the pictures that it saved."""
    text = page.read_text(encoding="utf-8")
    if f"]({PICTURES}/" not in text:
        return
    with copied(page) as folder:
        for _ in runs(text, page.name):
            pass
        for picture in folder.iterdir():
            shutil.copy(picture, page.parent / PICTURES)


def make_all(app: Any) -> None:
    for folder in {page.parent for page in PAGES}:
        (folder / PICTURES).mkdir(exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(make, PAGES))


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", make_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
