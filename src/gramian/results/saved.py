"""Fits and Grams from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, TypeAlias

from gramian import store
from gramian.errors import ArtifactError, GramianError
from gramian.results import curve, glm, gram, linear
from gramian.results import penalized as penalised
from gramian.results.curve import CurveFit
from gramian.results.glm import GlmFit
from gramian.results.gram import Gram
from gramian.results.linear import LinearFit
from gramian.results.penalized import PenalizedFit
from gramian.results.plain_curve import curve_from_json
from gramian.results.plain_design import Arrays
from gramian.results.plain_glm import glm_from_json as glm_solved
from gramian.results.plain_gram import gram_from_json
from gramian.results.plain_penalized import penalized_from_json
from gramian.results.plain_solved import solved_from_json
from gramian.results.plain_wide import wide_from_json
from gramian.results.wide import KIND as WIDE
from gramian.results.wide import WideFit

Fit: TypeAlias = LinearFit | GlmFit | WideFit | PenalizedFit | CurveFit
Saved: TypeAlias = Fit | Gram
Reader: TypeAlias = Callable[[Mapping[str, Any], Arrays], Saved]
READERS: Mapping[str, Reader] = {
    linear.KIND: lambda manifest, arrays: LinearFit(solved_from_json(manifest, arrays)),
    gram.KIND: lambda manifest, arrays: Gram(gram_from_json(manifest, arrays)),
    WIDE: lambda manifest, arrays: WideFit(wide_from_json(manifest, arrays)),
    penalised.KIND: lambda manifest, arrays: PenalizedFit(*penalized_from_json(manifest, arrays)),
    curve.KIND: lambda manifest, arrays: CurveFit(curve_from_json(manifest, arrays)),
    glm.KIND: lambda manifest, arrays: GlmFit(glm_solved(manifest, arrays)),
}


def load(path: str | PathLike[str]) -> Saved:
    """Read a fit or a Gram. Raises ArtifactError, naming the file and what is wrong, for anything else."""
    kind, manifest, arrays = store.load(path)
    if kind not in READERS:
        raise ArtifactError(f"{path}: it holds a '{kind}', neither a fit nor a Gram")
    try:
        return READERS[kind](manifest, arrays)
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, GramianError) as error:
        raise ArtifactError(f"{path}: its content makes no sense: {error}") from error


def load_fit(path: str | PathLike[str]) -> Fit:
    """Read a fit. Raises ArtifactError for anything else, a Gram included."""
    content = load(path)
    if isinstance(content, Gram):
        raise ArtifactError(f"{path}: it holds a Gram, not a fit; make one of it with gramian fit FORMULA {path}")
    return content


def load_gram(path: str | PathLike[str]) -> Gram:
    """Read a Gram. Raises ArtifactError for anything else, a fit included."""
    content = load(path)
    if not isinstance(content, Gram):
        raise ArtifactError(f"{path}: it holds a fit, not a Gram")
    return content
