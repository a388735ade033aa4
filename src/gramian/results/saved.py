"""Fits from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, TypeAlias

from gramian import store
from gramian.errors import ArtifactError, GramianError
from gramian.results import glm, linear
from gramian.results.glm import GlmFit
from gramian.results.linear import LinearFit
from gramian.results.plain_design import Arrays
from gramian.results.plain_glm import glm as glm_solved
from gramian.results.plain_solved import solved
from gramian.results.plain_wide import wide
from gramian.results.wide import KIND as WIDE
from gramian.results.wide import WideFit

Fit: TypeAlias = LinearFit | GlmFit | WideFit
Read: TypeAlias = Callable[[Mapping[str, Any], Arrays], Fit]
READ: Mapping[str, Read] = {
    linear.KIND: lambda manifest, arrays: LinearFit(solved(manifest, arrays)),
    WIDE: lambda manifest, arrays: WideFit(wide(manifest, arrays)),
    glm.KIND: lambda manifest, arrays: GlmFit(glm_solved(manifest, arrays)),
}


def load(path: str | PathLike[str]) -> Fit:
    """Read a fit. Raises ArtifactError, naming the file and what is wrong, for anything that no fit has written."""
    kind, manifest, arrays = store.load(path)
    if kind not in READ:
        raise ArtifactError(f"{path}: it holds a '{kind}', not a fit")
    try:
        return READ[kind](manifest, arrays)
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, GramianError) as error:
        raise ArtifactError(f"{path}: its content makes no sense: {error}") from error
