"""Comparison: the result of `compare`. It holds no data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from gramian.comparison.history import Entry, History
from gramian.comparison.sweep import STEPS, Sweep
from gramian.linalg.certificate import EPS

SCHEMA = "gramian.compare/1"
RAW, SCALED = "raw", "scaled"
TYPES = {
    "method": pa.string(), "scaled": pa.bool_(), "digits": pa.float64(), "iterations": pa.int64(),
    "passes": pa.int64(), "predicted_iterations": pa.float64(), "seconds": pa.float64(), "flops": pa.float64(),
    "chosen_by_hand": pa.string(), "status": pa.string(),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison:
    """Methods compared on one least squares problem.

    Attributes
    ----------
    formula : str
        The formula.
    names : tuple of str, (q,)
        Names of the coefficients.
    rows : int
        Rows that entered.
    dropped_rows : mapping of str to int
        Rows that did not, by cause.
    rank : int
        Number of linearly independent columns.
    intercept : bool
        Whether there is a column of ones.
    digits : tuple of float
        Targets.
    condition : mapping of str to float
        For "raw" and "scaled" columns the condition number of X'X/n, the square of that of X; with dependent columns
        over the nonzero eigenvalues.
    attainable : mapping of str to float
        For "raw" and "scaled" columns the relative error at which rounding stops gradient descent.
    entries : tuple of Entry
        The rows of `table`.
    history : mapping of (method, scaled) to History
        Errors by iteration.
    pass_seconds : float
        Seconds of the pass over the rows whose moments the methods share.
    sweep : Sweep or None
        Times against the number of features.
    """

    formula: str
    names: tuple[str, ...]
    rows: int
    dropped_rows: Mapping[str, int]
    rank: int
    intercept: bool
    digits: tuple[float, ...]
    condition: Mapping[str, float]
    attainable: Mapping[str, float]
    entries: tuple[Entry, ...]
    history: Mapping[tuple[str, bool], History]
    pass_seconds: float
    sweep: Sweep | None = None

    @property
    def table(self) -> pa.Table:
        """One row for each method, scaling and target.

        Returns
        -------
        pyarrow.Table
            With the fields of `Entry` as columns; null for what was not reached.
        """
        rows = [asdict(e) for e in self.entries]
        return pa.table({name: pa.array([r[name] for r in rows], kind) for name, kind in TYPES.items()})

    @property
    def crossover(self) -> dict[int, float] | None:
        """Number of features from which on gradient steps are cheaper than a direct solution, by number of steps.

        None where times were not measured.
        """
        return None if self.sweep is None else {k: self.sweep.crossover(k) for k in STEPS}

    def is_condition_known(self, scaling: str) -> bool:
        """Whether the condition number is known; with dependent columns float64 cannot determine more than 2^53.

        scaling : "raw" or "scaled".
        """
        # The zero eigenvalues of dependent columns are rounding errors of relative size 2^-53 in float64.
        return self.rank == len(self.names) or self.condition[scaling] < 0.99 / EPS

    def entry(self, method: str, digits: float, *, scaled: bool) -> Entry | None:
        """The entry of a method for a target, None where there is none.

        Parameters
        ----------
        method : str
            Name of the method.
        digits : float
            The target.
        scaled : bool
            Whether the columns were standardised.
        """
        return next((e for e in self.entries if (e.method, e.digits, e.scaled) == (method, digits, scaled)), None)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as a dict that JSON can represent; schema `gramian.compare/1`."""
        return {
            "schema": SCHEMA,
            "formula": self.formula,
            "names": list(self.names),
            "rows": self.rows,
            "dropped_rows": dict(self.dropped_rows),
            "rank": self.rank,
            "condition": dict(self.condition),
            "pass_seconds": self.pass_seconds,
            "table": [asdict(e) for e in self.entries],
            "history": [
                {"method": method, "scaled": scaled, **_history(h)} for (method, scaled), h in self.history.items()
            ],
            "sweep": None if self.sweep is None else self.sweep.to_dict(),
        }

    def summary(self) -> str:
        """Tables and conclusions as plain text."""
        from gramian.comparison.report import text

        return text(self)

    def plot(self) -> Any:
        """Draw errors against iterations and passes, paths over the cost of two coefficients, and times.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.comparison.methods import TITLES, iterative
        from gramian.comparison.plot import comparison

        return comparison(self, iterative(1.0), TITLES)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        conditions = ", ".join(f"{name} condition {k:.3g}" for name, k in self.condition.items())
        return f"Comparison({self.formula!r}, rows={self.rows}, {conditions})"

    def _repr_html_(self) -> str:
        from gramian.comparison.report import html  # rich takes a while to import

        return html(self)


def _history(history: History) -> dict[str, Any]:
    """A history for JSON; numbers that overflowed are None."""
    errors = [e if e < float("inf") else None for e in history.errors.tolist()]
    path = None if history.path is None else [[_finite_or_none(v) for v in row] for row in history.path.tolist()]
    return {"iterations": history.iterations.tolist(), "errors": errors, "path": path}


def _finite_or_none(value: float) -> float | None:
    """The number, or None where it is infinite or NaN."""
    return value if abs(value) < float("inf") else None
