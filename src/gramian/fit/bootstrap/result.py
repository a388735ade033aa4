"""The result of a wild cluster bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from gramian.fit.bootstrap.saved_draws import SavedDraws
from gramian.results.format_numbers import printable, share_of_draws
from gramian.results.tables import finite
from gramian.serialize.codec import Codec
from gramian.typing import Vector


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapTest(SavedDraws):
    """A hypothesis tested by the wild cluster bootstrap.

    Attributes
    ----------
    hypothesis : str
        As it was asked for.
    estimate : float
        The combination of coefficients that it is about, all of them brought to the left side; NaN for several.
    statistic : float
        t, with the standard error by cluster (CR1); of several equations F.
    p_value : float
        Share of the draws whose statistic is further out; ties are not counted.
    conf_low, conf_high : float
        Interval of that combination: the values that a two-sided test does not reject; NaN for several.
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
    equations : int
        Number of equations that are tested at once.
    """

    saved_as: ClassVar[str] = "wild-bootstrap"
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
    equations: int = 1

    @classmethod
    def _codec(cls) -> Codec[Any]:
        """What a file holds."""
        from gramian.serialize.codec import rule
        from gramian.serialize.record import record

        return record(
            cls,
            "hypothesis estimate statistic p_value conf_low conf_high level draws clusters weights restricted",
            "statistics[d]? equations",
            rule(lambda test: len(test.statistics) == test.draws > 0, "a statistic of each draw", "statistics.shape"),
        )

    def tidy(self) -> pa.Table:
        """Table of one row, with the column names of R's broom."""
        names = ("estimate", "statistic", "p_value", "conf_low", "conf_high", "draws", "clusters")
        values = {name: getattr(self, name) for name in names}
        return pa.table(
            {"term": [self.hypothesis]}
            | {n: pa.array([finite(v)], pa.float64() if isinstance(v, float) else None) for n, v in values.items()}
        )

    def to_dict(self) -> dict[str, Any]:
        """The test as JSON types."""
        row: dict[str, Any] = self.tidy().to_pylist()[0]
        return row | {"level": self.level, "weights": self.weights, "restricted": self.restricted}

    def __repr__(self) -> str:
        kind = "restricted" if self.restricted else "unrestricted"
        t = "t" if self.equations == 1 else f"F of {self.equations} equations"
        p = share_of_draws(self.p_value, self.draws)
        lines = [
            f"wild cluster bootstrap of {printable(self.hypothesis)}: {t} {self.statistic:.4g}, p {p}",
            f"estimate {self.estimate:.6g}, {100 * self.level:g} % interval "
            f"{self.conf_low:.6g} to {self.conf_high:.6g}",
            f"{self.draws:,} draws of {self.weights} weights for {self.clusters:,} clusters, {kind} residuals",
        ]
        return "\n".join(lines if self.equations == 1 else lines[::2])
