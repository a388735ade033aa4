"""Figures in the style of all pictures; the only module that imports matplotlib."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from gramian.errors import MissingExtraError

try:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_rgba, to_rgba_array
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
except ImportError as error:
    raise MissingExtraError("matplotlib", "plot") from error

__all__ = [
    "FixedLocator", "FuncFormatter", "LogLocator", "NullLocator", "Picture", "picture", "save_figure", "styled",
    "to_rgba", "to_rgba_array",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

# fonts with the signs of Chinese, Japanese and Korean, as systems install them; those that are there are used
EAST_ASIAN = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK KR", "Source Han Sans"),
    *("Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Yu Gothic", "Meiryo", "Microsoft YaHei", "Malgun Gothic"),
    *("IPAGothic", "IPAexGothic", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "NanumGothic", "Droid Sans Fallback"),
    *("MS Gothic", "SimHei", "Arial Unicode MS", "Unifont"),
)
MISSING = re.compile(r"Glyph (\d+) .* missing from")  # matplotlib's warning for each sign that no font has
MAX_SIGNS = 20  # in a warning
DPI = 150  # sharp on a screen, small in a notebook
STYLE: Any = {
    "text.usetex": False,
    "font.family": ["DejaVu Sans", *(name for name in EAST_ASIAN if name in set(fontManager.get_font_names()))],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.35",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.formatter.useoffset": False,
    "grid.color": "0.9",
    "grid.linewidth": 0.7,
    "xtick.color": "0.25",
    "ytick.color": "0.25",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.titlesize": 11,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "text.color": "black",
    "axes.labelcolor": "black",
    "lines.linewidth": 1.6,
    "svg.hashsalt": "gramian",  # fixed identifiers, so that the same figure gives the same bytes
}


class Picture(Figure):
    """A figure that notebooks show without pyplot."""

    def _repr_png_(self) -> bytes:
        """The figure as PNG, for notebooks."""
        sink = io.BytesIO()
        save_figure(self, sink, "png")
        return sink.getvalue()

    def dark(self) -> Picture:
        """The same figure for dark pages: greys are turned round, colours made lighter. It is changed in place."""
        from gramian.plots.dark import darken

        darken(self)
        return self


def picture(width: float, height: float) -> Any:
    """An empty figure of `width` x `height` inches.

    It is not registered with pyplot, so that it needs no display and is freed when nothing refers to it.
    """
    figure = Picture(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def styled(function: F) -> F:
    """Decorator: run a function with our style, and restore the user's settings afterwards."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with rc_context(STYLE):
            return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


@styled
def save_figure(figure: Any, sink: Any, form: str) -> None:
    """Write a figure to `sink` (path or binary file) as "png", "svg" or "pdf"; the same figure gives the same bytes."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(sink, format=form, dpi=DPI, metadata=undated.get(form), facecolor=figure.get_facecolor())
    absent = [MISSING.match(str(warning.message)) for warning in caught]
    for warning in (w for w, sign in zip(caught, absent, strict=True) if sign is None):
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    signs = "".join(dict.fromkeys(chr(int(sign[1])) for sign in absent if sign))
    if signs:
        shown = signs if len(signs) <= MAX_SIGNS else f"{signs[:MAX_SIGNS]}…"
        warnings.warn(
            f"no font on this machine has {shown}, which are drawn as boxes; install one that has them, such as "
            "Noto Sans CJK",
            stacklevel=3,
        )
