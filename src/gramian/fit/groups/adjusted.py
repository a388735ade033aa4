"""The result of testing one hypothesis in many fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.fit.groups.tables import of_one_type
from gramian.formula.coding import level_name
from gramian.linalg.keyed.moments import Key
from gramian.results.format_numbers import printable
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AdjustedTests:
    """One hypothesis tested in m fits, with p-values and intervals that hold together.

    Attributes
    ----------
    hypothesis : str
        The equation.
    method : str
        How p-values are adjusted.
    level : float
        Level of all intervals together.
    key_names : tuple of str
        Names of the parts of a key.
    keys : tuple of m keys
        The fits that were tested.
    estimates, std_errors, statistics, p_values : ndarray, (m,)
        Each by itself.
    adjusted_p_values : ndarray, (m,)
        The chance of a false rejection among all m is at most such a p-value.
    intervals : ndarray, (m, 2)
        Simultaneous ones: all m hold with probability `level`.
    left_out : tuple of keys
        Fits without these coefficients.
    draws, clusters : int or None
        Of the bootstrap; None without one.
    """

    hypothesis: str
    method: str
    level: float
    key_names: tuple[str, ...]
    keys: tuple[Key, ...]
    estimates: Vector
    std_errors: Vector
    statistics: Vector
    p_values: Vector
    adjusted_p_values: Vector
    intervals: Matrix
    left_out: tuple[Key, ...] = ()
    draws: int | None = None
    clusters: int | None = None

    def tidy(self) -> pa.Table:
        """A row for each fit: the parts of its key, then estimate, errors, p-values and the simultaneous interval."""
        keys = zip(self.key_names, map(of_one_type, zip(*self.keys, strict=True)), strict=True)
        columns = {
            "estimate": self.estimates,
            "std_error": self.std_errors,
            "statistic": self.statistics,
            "p_value": self.p_values,
            "adjusted_p_value": self.adjusted_p_values,
            "conf_low": self.intervals[:, 0],
            "conf_high": self.intervals[:, 1],
        }
        return pa.table({**{f"by_{n}" if n in columns else n: pa.array(v) for n, v in keys}, **columns})

    def to_dict(self) -> dict[str, Any]:
        """The tests as JSON types."""
        facts = {"hypothesis": self.hypothesis, "method": self.method, "level": self.level}
        return {**facts, "draws": self.draws, "clusters": self.clusters, "tests": self.tidy().to_pylist()}

    def plot(self) -> Any:
        """A figure of the estimates with their simultaneous intervals."""
        from gramian.plots.effects import Series, dots

        names = [", ".join(map(level_name, key)) for key in self.keys]
        one = Series("", np.arange(len(names), dtype=np.float64), self.estimates, self.intervals)
        together = "" if self.method == "none" else f", intervals that hold together ({self.method})"
        title = f"{self.hypothesis.removesuffix(' = 0')} in {len(names):,} fits{together}"
        return dots(names, [one], title=title, x_label="estimate", level=self.level)

    def __repr__(self) -> str:
        how = "" if self.draws is None else f", {self.draws:,} draws for {self.clusters:,} clusters"
        names = [printable(", ".join(map(level_name, key))) for key in self.keys]
        width = max(map(len, names))
        lines = [
            f"{name:<{width}}  {estimate:>12.6g}  p {p:<10.4g} adjusted {own:<10.4g} {low:.6g} to {high:.6g}"
            for name, estimate, p, own, (low, high) in zip(
                names, self.estimates, self.p_values, self.adjusted_p_values, self.intervals, strict=True
            )
        ]
        less = [f"{len(self.left_out):,} fits have no such coefficient"] if self.left_out else []
        heading = f"{printable(self.hypothesis)} in {len(self.keys):,} fits, adjusted by {self.method}{how}"
        return "\n".join([heading, *lines, *less])
