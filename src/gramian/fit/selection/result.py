"""Selection: models of all sizes by a criterion, and the fit of the best one; frozen, without data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.selection.fit import Selected, select
from gramian.formula.design import Design
from gramian.results.tables import finite, null_if_nan

SCHEMA = "gramian.selection/1"
NUMBERS = ("rss", "aic", "bic", "adj_r_squared", "cp")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Selection:
    """Models of all sizes, compared by a criterion, and the fit of the best one, from `Gram.select`.

    Attributes
    ----------
    selected : Selected
        The models that were compared, and the solution of the best one.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"a": [1, 2, 3, 4, 5, 6], "b": [1, -1, 0, 2, -2, 1], "y": [1.1, 2.0, 2.8, 4.2, 5.1, 5.8]}
    >>> selection = gm.gram("y ~ a + b", data).select("bic")
    >>> selection.terms
    ('a',)
    """

    selected: Selected

    @property
    def formula(self) -> str:
        """The formula with all terms that could be selected."""
        return self.selected.design.formula

    @property
    def criterion(self) -> str:
        """The criterion: "aic", "bic", "adj_r2" or "cp"."""
        return self.selected.criterion

    @property
    def method(self) -> str:
        """The search: "best", "forward" or "backward"."""
        return self.selected.method

    @property
    def best(self) -> LinearFit:
        """The fit with the selected terms. Its p-values ignore that the terms were selected by the outcome."""
        return LinearFit(self.selected.solved)

    @property
    def terms(self) -> tuple[str, ...]:
        """Labels of the selected terms, without the intercept."""
        return self.selected.candidates[self.selected.winner].terms

    @property
    def table(self) -> pa.Table:
        """Table of the models.

        Returns
        -------
        pyarrow.Table
            One row for each model: terms, columns (with the intercept), rss, aic, bic, adj_r_squared, cp, best.
        """
        rows = self.selected.candidates
        # null, not NaN: a criterion that a model does not have is missing
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
        """The selection as a dict that JSON can represent.

        Returns
        -------
        dict
            Schema `gramian.selection/1`; its key "best" holds the fit. Numbers that are not finite are None.
        """
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
        """The table as plain text, the best model marked.

        Returns
        -------
        str
            Several lines, without a newline at the end.
        """
        from gramian.fit.selection.report import text  # rich takes a while to import

        return text(self)

    def plot(self) -> Any:
        """Draw the criterion against the number of columns, with the terms of the best model of every size.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.fit.selection.plot import selection

        return selection(self)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Selection({self.formula!r}, criterion={self.criterion!r}, best={self.selected.solved.formula!r})"

    def _repr_html_(self) -> str:
        from gramian.fit.selection.report import render
        from gramian.results.html import to_html  # rich takes a while to import

        return to_html(render(self))


def selection(
    design: Design,
    accumulated: Accumulated,
    criterion: str = "aic",
    method: str = "best",
    count: int = 1,
    passes: int = 1,
) -> Selection:
    """Select terms from the moments of a design; parameters and errors as in `fit.selection.fit.select`."""
    return Selection(select(design, accumulated, criterion, method, count, passes))
