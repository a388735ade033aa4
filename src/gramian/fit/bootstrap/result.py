"""The result of a wild cluster bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.results.format_numbers import printable
from gramian.typing import Vector


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapTest:
    """A hypothesis tested by the wild cluster bootstrap.

    Attributes
    ----------
    hypothesis : str
        As it was asked for.
    estimate : float
        The combination of coefficients that it is about, all of them brought to the left side.
    statistic : float
        t, with the standard error by cluster (CR1).
    p_value : float
        Share of the draws whose statistic is further out; ties are not counted.
    conf_low, conf_high : float
        Interval of that combination: the values that a two-sided test does not reject.
    level : float
        Its level.
    draws : int
        Number of draws; all patterns of signs where these are no more than was asked for.
    clusters : int
        Number of clusters.
    weights : str
        Distribution of the weights.
    restricted : bool
        Whether residuals are those under the hypothesis.
    statistics : ndarray, (draws,)
        Statistics of the draws, under the hypothesis.
    """

    hypothesis: str
    estimate: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    level: float
    draws: int
    clusters: int
    weights: str
    restricted: bool
    statistics: Vector

    def tidy(self) -> pa.Table:
        """Table of one row, with the column names of R's broom."""
        names = ("estimate", "statistic", "p_value", "conf_low", "conf_high", "draws", "clusters")
        return pa.table({"term": [self.hypothesis]} | {name: [getattr(self, name)] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """The test as JSON types."""
        row: dict[str, Any] = self.tidy().to_pylist()[0]
        return row | {"level": self.level, "weights": self.weights, "restricted": self.restricted}

    def __repr__(self) -> str:
        kind = "restricted" if self.restricted else "unrestricted"
        return (
            f"wild cluster bootstrap of {printable(self.hypothesis)}: t {self.statistic:.4g}, p {self.p_value:.4g}\n"
            f"estimate {self.estimate:.6g}, {100 * self.level:g} % interval "
            f"{self.conf_low:.6g} to {self.conf_high:.6g}\n"
            f"{self.draws:,} draws of {self.weights} weights for {self.clusters:,} clusters, {kind} residuals"
        )
