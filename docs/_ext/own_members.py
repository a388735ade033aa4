"""The reference has what was written here: methods that scikit-learn generates are left to its own pages."""

from __future__ import annotations

from typing import Any


def skip(app: Any, what: str, name: str, member: Any, is_skipped: bool, options: Any) -> bool | None:
    if name.startswith("set_") and name.endswith("_request"):
        return True
    home = getattr(getattr(member, "fget", member), "__module__", None) or "gramian"
    return True if isinstance(home, str) and home.partition(".")[0] == "sklearn" else None


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
