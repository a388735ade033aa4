"""Lesson: the result of `lesson`."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path

from gramian.lessons.examples import MAGNET, MONTHS, TEN, THROWS
from gramian.lessons.inline import page
from gramian.lessons.points import Points

HEIGHT = 820  # pixels in a notebook


@dataclass(frozen=True, slots=True)
class Lesson:
    """A page about the normal equation to play with, on points of one's own or on worked examples.

    Attributes
    ----------
    own : Points or None
        The points that it begins with; None for the examples.
    """

    own: Points | None = None

    @property
    def sets(self) -> tuple[Points, ...]:
        """The sets of points that a reader can choose from, in their order."""
        return (MONTHS, TEN) if self.own is None else (self.own, MONTHS, TEN)

    @property
    def outcomes(self) -> Points:
        """Outcomes 0 and 1 for the sigmoid: one's own where they are of that kind."""
        return self.own if self.own is not None and self.own.binary else THROWS

    def html(self) -> str:
        """The page, which needs nothing else: no network, no fonts, no libraries."""
        return page(
            {
                "sets": [points.to_dict() for points in self.sets],
                "outcomes": self.outcomes.to_dict(),
                "curve": MAGNET.to_dict(),
            }
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page to a file, to be opened in a browser."""
        Path(path).write_text(self.html(), encoding="utf-8")

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self.html())}" style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
