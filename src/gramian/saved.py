"""Reading of saved fits and Grams: the kind of a file decides which result is made of its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from typing import Any, TypeAlias

from gramian.errors import ArtifactError, GramianError
from gramian.fit.bootstrap.save import KINDS as DRAWS
from gramian.fit.bootstrap.save import Draws
from gramian.fit.curve import result as curve
from gramian.fit.curve.result import CurveFit
from gramian.fit.curve.save import CURVE_SOLVED
from gramian.fit.glm import result as glm
from gramian.fit.glm.result import GlmFit
from gramian.fit.glm.save import GLM_SOLVED
from gramian.fit.gram import stored as gram
from gramian.fit.gram.result import Gram
from gramian.fit.gram.save import GRAM_DATA
from gramian.fit.iv import result as iv
from gramian.fit.iv.result import IvFit
from gramian.fit.iv.save import IV_SOLVED
from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.linear import result as linear
from gramian.fit.linear.result import LinearFit
from gramian.fit.mixed import result as mixed
from gramian.fit.mixed.result import MixedFit
from gramian.fit.mixed.save import MIXED_SOLVED
from gramian.fit.panel import result as panel
from gramian.fit.panel.result import PanelFit
from gramian.fit.panel.save import PANEL_SOLVED
from gramian.fit.penalized import result as penalized
from gramian.fit.penalized.result import PenalizedFit
from gramian.fit.penalized.save import penalized_fits
from gramian.fit.wide import result as wide
from gramian.fit.wide.result import WideFit
from gramian.fit.wide.save import WIDE_SOLVED
from gramian.results.fitted_rows import FittedRows
from gramian.results.save_rows import without_rows
from gramian.serialize import file as store
from gramian.serialize.codec import Arrays, Codec

Fit: TypeAlias = LinearFit | IvFit | MixedFit | PanelFit | GlmFit | WideFit | PenalizedFit | CurveFit
Saved: TypeAlias = Fit | Gram | Draws
Reader: TypeAlias = Callable[[Mapping[str, Any], Arrays, FittedRows], Saved]


def _draws(codec: Codec[Any], content: Mapping[str, Any], arrays: Arrays, _: FittedRows) -> Draws:
    """A result of draws."""
    found: Draws = codec.load(content, arrays, "draws")
    return found


READERS: Mapping[str, Reader] = {
    linear.KIND: lambda content, arrays, rows: LinearFit(SOLVED.load(content, arrays, "a fit"), rows),
    iv.KIND: lambda content, arrays, rows: IvFit(IV_SOLVED.load(content, arrays, "a fit"), rows),
    mixed.KIND: lambda content, arrays, rows: MixedFit(MIXED_SOLVED.load(content, arrays, "a fit"), rows),
    panel.KIND: lambda content, arrays, rows: PanelFit(PANEL_SOLVED.load(content, arrays, "a fit"), rows),
    gram.KIND: lambda content, arrays, _: Gram(GRAM_DATA.load(content, arrays, "a Gram")),
    wide.KIND: lambda content, arrays, rows: WideFit(WIDE_SOLVED.load(content, arrays, "a fit"), rows),
    penalized.KIND: lambda content, arrays, _: penalized_fits(PenalizedFit).load(content, arrays, "a fit"),
    curve.KIND: lambda content, arrays, rows: CurveFit(CURVE_SOLVED.load(content, arrays, "a curve"), rows),
    glm.KIND: lambda content, arrays, rows: GlmFit(GLM_SOLVED.load(content, arrays, "a fit"), rows),
    **{kind: partial(_draws, codec) for kind, codec in DRAWS.items()},
}


DRAWN = "a result of draws"


def load(path: store.Stored) -> Saved:
    """Read a fit, a Gram or draws that were saved.

    Parameters
    ----------
    path : str, path, bytes or binary file
        A file written by `save`, its bytes (`Gram.to_bytes`), or an open file that gives them.

    Returns
    -------
    LinearFit, IvFit, MixedFit, PanelFit, GlmFit, PenalizedFit, WideFit, CurveFit, Gram, or a result of draws
        The result that was saved.

    Raises
    ------
    ArtifactError
        If the file cannot be read, is damaged, or holds something else; the message names the file and the reason.

    Examples
    --------
    >>> import gramian as gm, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "fit.gm")
    >>> gm.ols("y ~ x", {"x": [0.0, 1.0, 2.0], "y": [1.0, 3.0, 4.0]}).save(path)
    >>> gm.load(path).names
    ('Intercept', 'x')
    """
    kind, manifest, arrays = store.load(path)
    if kind not in READERS:
        raise ArtifactError(f"{store.named(path)}: it holds a '{kind}', neither a fit nor a Gram nor draws")
    try:
        rows, content = without_rows(manifest)
        return READERS[kind](content, arrays, rows)
    # checksums protect against damage, not against a file that was made by hand: any error of decoding is the file's
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, GramianError) as error:
        raise ArtifactError(f"{store.named(path)}: its content makes no sense: {error}") from error


def load_fit(path: str | PathLike[str]) -> Fit:
    """Read a saved fit. Raises ArtifactError for a Gram, and as `load`."""
    content = load(path)
    if isinstance(content, Gram):
        raise ArtifactError(f"{path}: it holds a Gram, not a fit; make one of it with gramian fit FORMULA {path}")
    if isinstance(content, Draws):
        raise ArtifactError(f"{path}: it holds {DRAWN}, not a fit")
    return content


def load_gram(path: str | PathLike[str]) -> Gram:
    """Read a saved Gram. Raises ArtifactError for a fit, and as `load`."""
    content = load(path)
    if not isinstance(content, Gram):
        what = DRAWN if isinstance(content, Draws) else "a fit"
        raise ArtifactError(f"{path}: it holds {what}, not a Gram")
    return content
