"""Linear models on data of any size: one pass leaves small sums, every model comes from them, with certified digits."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gramian import errors as errors
    from gramian.api.arithmetic import add as add
    from gramian.api.arithmetic import compare_grams as compare_grams
    from gramian.api.arithmetic import subtract as subtract
    from gramian.api.curve import curve as curve
    from gramian.api.databases import sql as sql
    from gramian.api.generalized import glm as glm
    from gramian.api.instrumental import iv as iv
    from gramian.api.linear import fits as fits
    from gramian.api.linear import ols as ols
    from gramian.api.linear import ridge as ridge
    from gramian.api.mixed import mixed as mixed
    from gramian.api.moments import from_moments as from_moments
    from gramian.api.nested import anova as anova
    from gramian.api.panel import between as between
    from gramian.api.panel import hausman as hausman
    from gramian.api.panel import mundlak as mundlak
    from gramian.api.panel import random_effects as random_effects
    from gramian.api.planned import plan as plan
    from gramian.api.rows import rows as rows
    from gramian.api.sums import gram as gram
    from gramian.api.tables import table as table
    from gramian.api.text_files import csv as csv
    from gramian.api.versions import show_versions as show_versions
    from gramian.api.windows import rolling as rolling
    from gramian.comparison import compare as compare
    from gramian.derivation import derive as derive
    from gramian.engines.dask import Dask as Dask
    from gramian.engines.local import Local as Local
    from gramian.engines.spark import Spark as Spark
    from gramian.lessons import lesson as lesson
    from gramian.saved import load as load

from gramian.version import __version__ as __version__

__all__ = [
    "Dask", "Local", "Spark", "add", "anova", "between", "compare", "compare_grams", "csv", "curve", "derive", "errors",
    "fits", "from_moments", "glm", "gram", "hausman", "iv", "lesson", "load", "mixed", "mundlak", "ols", "plan",
    "random_effects", "ridge", "rolling", "rows", "show_versions", "sql", "subtract", "table",
]  # fmt: skip

_HOME = {
    "Dask": "gramian.engines.dask",
    "Local": "gramian.engines.local",
    "Spark": "gramian.engines.spark",
    "add": "gramian.api.arithmetic",
    "anova": "gramian.api.nested",
    "between": "gramian.api.panel",
    "compare": "gramian.comparison",
    "compare_grams": "gramian.api.arithmetic",
    "csv": "gramian.api.text_files",
    "curve": "gramian.api.curve",
    "derive": "gramian.derivation",
    "fits": "gramian.api.linear",
    "from_moments": "gramian.api.moments",
    "glm": "gramian.api.generalized",
    "gram": "gramian.api.sums",
    "hausman": "gramian.api.panel",
    "iv": "gramian.api.instrumental",
    "lesson": "gramian.lessons",
    "load": "gramian.saved",
    "mixed": "gramian.api.mixed",
    "mundlak": "gramian.api.panel",
    "ols": "gramian.api.linear",
    "plan": "gramian.api.planned",
    "random_effects": "gramian.api.panel",
    "ridge": "gramian.api.linear",
    "rolling": "gramian.api.windows",
    "rows": "gramian.api.rows",
    "show_versions": "gramian.api.versions",
    "sql": "gramian.api.databases",
    "subtract": "gramian.api.arithmetic",
    "table": "gramian.api.tables",
}

if not TYPE_CHECKING:  # a type checker that saw it would take every name for one of gramian's

    def __getattr__(name: str) -> Any:
        if name == "errors":
            return import_module("gramian.errors")
        if name in _HOME:
            globals()[name] = value = getattr(import_module(_HOME[name]), name)  # the next time it is found at once
            return value
        raise AttributeError(f"module 'gramian' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
