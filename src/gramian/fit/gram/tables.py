"""What a Gram holds, as HTML for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gramian.results.html import in_page, paragraph, table_html

if TYPE_CHECKING:
    from gramian.fit.gram.result import Gram


def html(gram: Gram) -> str:
    """The formula, the rows and the inputs."""
    facts = [
        ("rows", f"{gram.rows:,}"),
        ("left out", ", ".join(f"{n:,} {cause}" for cause, n in gram.dropped_rows.items() if n) or "none"),
        ("columns", ", ".join(gram.columns)),
        ("inputs", f"{len(gram.inputs):,}"),
    ]
    facts += [("folds", str(gram.folds))] if gram.folds else []
    facts += [("groups by", ", ".join(gram.by))] if gram.by else []
    facts += [("clusters by", ", ".join(gram.cluster))] if gram.cluster else []
    return in_page([paragraph([f"Gram of {gram.formula}"], "title"), table_html(("", ""), facts)])
