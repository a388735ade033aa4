"""Fits from files."""

from __future__ import annotations

from os import PathLike

from gramian import store
from gramian.errors import ArtifactError, GramianError
from gramian.results.linear import KIND, LinearFit
from gramian.results.plain_solved import solved


def load(path: str | PathLike[str]) -> LinearFit:
    """Read a fit. Raises ArtifactError, naming the file and what is wrong, for anything that no fit has written."""
    kind, manifest, arrays = store.load(path)
    if kind != KIND:
        raise ArtifactError(f"{path}: it holds a '{kind}', not a fit")
    try:
        return LinearFit(solved(manifest, arrays))
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, GramianError) as error:
        raise ArtifactError(f"{path}: its content makes no sense: {error}") from error
