"""Linear models on data of any size: one pass leaves small sums, every model comes from them, with certified digits."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gramian import errors as errors
    from gramian.api import glm as glm
    from gramian.api import gram as gram
    from gramian.api import load as load
    from gramian.api import ols as ols
    from gramian.api import plan as plan
    from gramian.api import ridge as ridge
    from gramian.comparison import compare as compare
    from gramian.derivation import derive as derive
    from gramian.engines.dask import Dask as Dask
    from gramian.engines.local import Local as Local
    from gramian.fit.curve.api import curve as curve
    from gramian.fit.gram.result import add as add
    from gramian.fit.gram.result import subtract as subtract

__version__ = "0.1.0"
__all__ = [
    "Dask", "Local", "add", "compare", "curve", "derive", "errors", "glm", "gram", "load", "ols", "plan", "ridge",
    "subtract",
]  # fmt: skip

_HOME = {
    "Dask": "gramian.engines.dask",
    "Local": "gramian.engines.local",
    "add": "gramian.fit.gram.result",
    "compare": "gramian.comparison",
    "curve": "gramian.fit.curve.api",
    "derive": "gramian.derivation",
    "glm": "gramian.api",
    "gram": "gramian.api",
    "load": "gramian.api",
    "ols": "gramian.api",
    "plan": "gramian.api",
    "ridge": "gramian.api",
    "subtract": "gramian.fit.gram.result",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("gramian.errors")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gramian' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
