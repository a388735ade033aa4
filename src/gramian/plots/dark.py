"""Figures for dark pages: every colour of a figure replaced by one that is seen there."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from gramian.plots.matplotlib import to_rgba, to_rgba_array

BACKGROUND = 0.09  # grey of the page
NEUTRAL = 0.02  # saturation below which a colour is a grey
LIGHTEST = 0.72  # lightness to which dark colours are raised

# what artists have colours of: lines, texts, patches, collections
PARTS = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


def darken(figure: Any) -> None:
    """Change the colours of a figure in place."""
    # the backgrounds of a figure and its axes are patches of their own, which would be turned round twice
    for artist in figure.findobj(lambda one: one is not figure and one not in figure.axes):
        # a line's colour is also that of its marker, so all are read before any is written
        found = {part: getattr(artist, f"get_{part}")() for part in PARTS if hasattr(artist, f"get_{part}")}
        for part, colours in found.items():
            if hasattr(artist, f"set_{part}"):
                getattr(artist, f"set_{part}")(_changed(colours))
    for ax in figure.axes:
        ax.tick_params(colors=str(1.0 - 0.15), which="both")


def _changed(colours: Any) -> Any:
    """One colour or several as they are on a dark page; "none" and "auto" stay."""
    if isinstance(colours, str) and colours in ("none", "auto", "inherit"):
        return colours
    if np.ndim(colours) == 2:
        return np.array([_of_dark_page(*rgba) for rgba in to_rgba_array(colours)]).reshape(-1, 4)
    return _of_dark_page(*to_rgba(colours))


def _of_dark_page(red: float, green: float, blue: float, alpha: float) -> tuple[float, float, float, float]:
    """A grey turned round, between the page and white; another colour at least as light as is seen."""
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < NEUTRAL or lightness in (0.0, 1.0):
        grey = 1.0 - (1.0 - BACKGROUND) * lightness
        return grey, grey, grey, alpha
    return (*colorsys.hls_to_rgb(hue, max(lightness, min(LIGHTEST, lightness + 0.2)), saturation), alpha)
