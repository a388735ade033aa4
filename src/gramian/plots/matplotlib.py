"""Figures in the style of all pictures; the only module that imports matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from gramian.errors import MissingExtraError

try:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
except ImportError as error:
    raise MissingExtraError("matplotlib", "plot") from error

__all__ = ["FixedLocator", "FuncFormatter", "LogLocator", "NullLocator", "Picture", "picture", "save_figure", "styled"]

F = TypeVar("F", bound=Callable[..., Any])

DPI = 150  # sharp on a screen, small in a notebook
STYLE: Any = {
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],
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
    figure.savefig(sink, format=form, dpi=DPI, metadata=undated.get(form))
