"""The result of randomization inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from scipy.special import betaincinv

from gramian.fit.bootstrap.saved_draws import SavedDraws
from gramian.results.format_numbers import printable, share_of_draws
from gramian.results.tables import finite
from gramian.serialize.codec import Codec
from gramian.typing import Vector


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RandomizationTest(SavedDraws):
    """A sharp hypothesis about a treatment, tested by the assignments that might have been.

    Attributes
    ----------
    hypothesis : str
        As it was asked for.
    estimate : float
        The coefficient.
    p_value : float
        Share of the assignments whose coefficient is at least as far out, ties included.
    count, ties : int
        How many these are, and how many of them tie with the estimate, up to rounding.
    conf_low, conf_high : float
        The effects, the same for all units, that a two-sided test does not reject.
    level : float
        Level of that interval.
    draws : int
        Number of assignments.
    failed : int
        Assignments that the other columns explain; they are left out.
    enumerated : bool
        Whether these are all assignments.
    units, strata : int
        Number of units that were assigned, and of strata.
    seed : int
        Of the random assignments.
    coefficients : ndarray, (draws,)
        Of the assignments, under the hypothesis.
    """

    saved_as: ClassVar[str] = "randomization"
    hypothesis: str
    estimate: float
    p_value: float
    count: int
    ties: int
    conf_low: float
    conf_high: float
    level: float
    draws: int
    failed: int
    enumerated: bool
    units: int
    strata: int
    seed: int
    coefficients: Vector

    @classmethod
    def _codec(cls) -> Codec[Any]:
        """What a file holds."""
        from gramian.serialize.codec import rule
        from gramian.serialize.record import record

        return record(
            cls,
            "hypothesis estimate p_value count ties conf_low conf_high level draws failed enumerated units strata seed",
            "coefficients[d]",
            rule(
                lambda test: len(test.coefficients) == test.draws > 0,
                "a coefficient of each draw",
                "coefficients.shape",
            ),
            rule(
                lambda test: np.isfinite(test.estimate) and test.count <= test.draws, "counts of these draws", "count"
            ),
        )

    def p_value_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval (Clopper and Pearson) of the p-value that all assignments would give; one point where they are all.

        Parameters
        ----------
        level : float, default 0.95
            Confidence level.
        """
        if self.enumerated:
            return self.p_value, self.p_value
        tail, c, n = 0.5 * (1.0 - level), self.count, self.draws
        low = 0.0 if c == 0 else float(betaincinv(c, n - c + 1, tail))
        return low, 1.0 if c == n else float(betaincinv(c + 1, n - c, 1.0 - tail))

    def tidy(self) -> pa.Table:
        """Table of one row, with the column names of R's broom."""
        names = ("estimate", "p_value", "conf_low", "conf_high", "count", "draws")
        return pa.table({"term": [self.hypothesis]} | {name: [getattr(self, name)] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """The test as JSON types."""
        row = {k: finite(v) if isinstance(v, float) else v for k, v in self.tidy().to_pylist()[0].items()}
        facts = ("level", "ties", "failed", "enumerated", "units", "strata", "seed")
        return row | {name: getattr(self, name) for name in facts}

    def plot(self) -> Any:
        """A histogram of the coefficients of the assignments, with the estimate."""
        from gramian.plots.draws import histogram

        p = share_of_draws(self.p_value, self.draws)
        title = f"{self.hypothesis}: {self.draws:,} assignments of {self.units:,} units, p {p}"
        edges = np.quantile(self.coefficients, [0.025, 0.975])
        labels = ("coefficient under the hypothesis", "95 % of the assignments")
        return histogram(self.coefficients, self.estimate, edges, title=title, labels=labels)

    def __repr__(self) -> str:
        low, high = self.p_value_interval()
        within = f" in {self.strata:,} strata" if self.strata > 1 else ""
        how = "all" if self.enumerated else f"random (seed {self.seed})"
        sure = "" if self.enumerated else f", of all assignments {low:.4g} to {high:.4g}"
        p = share_of_draws(self.p_value, self.draws)
        lines = [
            f"randomization inference of {printable(self.hypothesis)}: p {p}{sure}",
            f"estimate {self.estimate:.6g}, {100 * self.level:g} % interval "
            f"{self.conf_low:.6g} to {self.conf_high:.6g}",
            f"{self.count:,} of {self.draws:,} assignments are as far out, {self.ties:,} of them tie; {how}, of "
            f"{self.units:,} units{within}",
        ]
        if self.failed:
            lines.append(f"{self.failed:,} assignments are left out: the other columns explain them")
        return "\n".join(lines)
