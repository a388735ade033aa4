"""Selection: which terms a criterion likes best, and the fit with them; frozen, holds no data."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.selection import plot
from gramian.fit.selection.fit import Selected, select
from gramian.formula.design import Design
from gramian.results.tables import finite, null_if_nan

SCHEMA = "gramian.selection/1"
NUMBERS = ("rss", "aic", "bic", "adj_r_squared", "cp")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Selection:
    """Models of all sizes and the best of them, from a `Gram`."""

    selected: Selected

    @property
    def formula(self) -> str:
        """The formula whose terms were chosen among."""
        return self.selected.design.formula

    @property
    def criterion(self) -> str:
        """What decided: "aic", "bic", "adj_r2" or "cp"."""
        return self.selected.criterion

    @property
    def method(self) -> str:
        """How was searched: "best", "forward" or "backward"."""
        return self.selected.method

    @property
    def best(self) -> LinearFit:
        """The fit with the terms that were chosen. Its p-values know nothing of the choice."""
        return LinearFit(self.selected.solved)

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that were chosen, without the intercept."""
        return self.selected.candidates[self.selected.winner].terms

    @property
    def table(self) -> pa.Table:
        """One row for each model: terms, columns (with the intercept), rss, aic, bic, adj_r_squared, cp, best."""
        rows = self.selected.candidates
        numbers = {name: pa.array([null_if_nan(getattr(c, name)) for c in rows], pa.float64()) for name in NUMBERS}
        return pa.table(
            {
                "terms": pa.array([list(c.terms) for c in rows], pa.list_(pa.string())),
                "columns": pa.array([c.columns for c in rows], pa.int64()),
                **numbers,
                "best": pa.array([i == self.selected.winner for i in range(len(rows))], pa.bool_()),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, schema `gramian.selection/1`; `best` is the fit."""
        rows = [
            {"columns": c.columns, "perfect": c.perfect, **{name: finite(getattr(c, name)) for name in NUMBERS}}
            for c in self.selected.candidates
        ]
        return {
            "schema": SCHEMA,
            "formula": self.formula,
            "criterion": self.criterion,
            "method": self.method,
            "table": [{"terms": list(c.terms), **row} for c, row in zip(self.selected.candidates, rows, strict=True)],
            "best": self.best.to_dict(),
        }

    def summary(self) -> str:
        """The table as plain text, the best model marked."""
        from gramian.fit.selection.report import text  # rich takes a while to import

        return text(self)

    def plot(self) -> Any:
        """A matplotlib figure: the criterion against the number of columns, and the terms of the best of every size."""
        return plot.selection(self)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Selection({self.formula!r}, criterion={self.criterion!r}, best={self.selected.solved.formula!r})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def selection(
    design: Design,
    accumulated: Accumulated,
    criterion: str = "aic",
    method: str = "best",
    count: int = 1,
    passes: int = 1,
) -> Selection:
    """Select terms from the moments of a design; see `fit.select.select`."""
    return Selection(select(design, accumulated, criterion, method, count, passes))
