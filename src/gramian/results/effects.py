"""Effects: estimates after a fit, such as predictions, slopes and means, with standard errors by the delta method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.errors import OptionError, one_of
from gramian.inference import tests
from gramian.inference.multiplicity import ADJUSTMENTS, NONE, Adjustment, Family
from gramian.models.links import LINKS, Link
from gramian.results.tables import finite
from gramian.typing import Level, Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

Labels = Mapping[str, tuple[Level | None, ...]]
SCHEMA = "gramian.effects/1"
RATIOS = {"log": "ratio", "logit": "odds ratio"}  # what a difference on the scale of the link is, exponentiated


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Effects:
    """Estimates that are functions of the coefficients of a fit, k of them, with their joint covariance.

    Prints as a table, and is one to pandas, polars and others that read Arrow (`polars.DataFrame(effects)`).

    Attributes
    ----------
    title : str
        What they are.
    labels : mapping
        Name of a column -> its value for each estimate.
    working : ndarray, (k,)
        Estimates on the scale on which their errors are added; NaN for what the data do not determine.
    covariance : ndarray, (k, k)
        Covariance of these.
    df : float
        Degrees of freedom of t; infinite for z.
    rows : int or None
        Number of rows that were averaged over.
    link : Link or None
        What estimates and intervals are mapped back by; None where they are shown as they are.
    adjustment : Adjustment
        How p-values and intervals are adjusted for several comparisons.
    means : int
        Number of means that are compared, for the adjustment.
    notes : tuple of str
        What is said below the table.
    """

    title: str
    labels: Labels
    working: Vector
    covariance: Matrix
    df: float
    rows: int | None = None
    link: Link | None = None
    adjustment: Adjustment = NONE
    means: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.working)

    @property
    def estimates(self) -> Vector:
        """Estimates, (k,); NaN for what the data do not determine."""
        return self.working if self.link is None else self.link.inverse(self.working)

    @property
    def _errors(self) -> Vector:
        """Standard errors (k,) on the working scale."""
        return np.where(np.isnan(self.working), np.nan, np.sqrt(np.maximum(self.covariance.diagonal(), 0.0)))

    @property
    def std_errors(self) -> Vector:
        """Standard errors of the estimates as they are shown, (k,)."""
        return self._errors if self.link is None else np.abs(self.link.derivative(self.working)) * self._errors

    @property
    def statistic(self) -> str:
        """Name of the test statistic: "t", or "z" where the degrees of freedom are infinite."""
        return "z" if math.isinf(self.df) else "t"

    @property
    def statistics(self) -> Vector:
        """Estimates over their standard errors on the working scale, (k,); there a ratio of 1 is a difference of 0."""
        return tests.ratios(self.working, self._errors)

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values, (k,), adjusted where several comparisons are made at once."""
        return self.adjustment.probabilities(self.statistics, self._family)

    @property
    def _family(self) -> Family:
        """The comparisons that are made together."""
        return Family(max(len(self), 1), self.means, self.df)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Confidence intervals, (k, 2), adjusted where several comparisons are made at once.

        Parameters
        ----------
        level : float, default 0.95
            Confidence level; with an adjustment that of all intervals together.
        """
        margin = self.adjustment.critical(level, self._family) * self._errors
        ends = np.column_stack([self.working - margin, self.working + margin])
        return ends if self.link is None else np.sort(self.link.inverse(ends), axis=1)

    def exponentiate(self) -> Effects:
        """The same with estimates and intervals exponentiated, as ratios; standard errors by the delta method.

        Raises OptionError where they are mapped back already.
        """
        if self.link is not None:
            raise OptionError(f"these estimates are mapped back from the scale of the {self.link.name} link already")
        return replace(self, link=LINKS["log"])

    def pairs(self, adjust: str = "tukey") -> Effects:
        """Differences of all pairs of estimates.

        Parameters
        ----------
        adjust : {"tukey", "sidak", "holm", "bonferroni", "none"}, default "tukey"
            How p-values and intervals are adjusted for the number of pairs.

        Returns
        -------
        Effects
            One for each pair, the first minus the second; as ratios where means of a log or logit link are shown on the
            scale of the outcome.
        """
        one_of("adjust", adjust, ADJUSTMENTS)
        pairs = list(combinations(range(len(self)), 2))
        C = np.zeros((len(pairs), len(self)))
        for row, (i, j) in zip(C, pairs, strict=True):
            row[i], row[j] = 1.0, -1.0
        names = [" ".join(str(values[i]) for values in self.labels.values()) for i in range(len(self))]
        link = self.link if self.link is not None and self.link.name in RATIOS else None
        sign = " - " if link is None else " / "
        working = np.array([self.working[i] - self.working[j] for i, j in pairs])
        return Effects(
            f"pairwise comparisons of {self.title}" + ("" if link is None else f", as {RATIOS[link.name]}s"),
            {"contrast": tuple(sign.join((names[i], names[j])) for i, j in pairs)},
            working,
            C @ np.nan_to_num(self.covariance) @ C.T,
            self.df,
            self.rows,
            None if link is None else LINKS["log"],
            ADJUSTMENTS[adjust],
            len(self),
        )

    def columns(self, level: float = 0.95) -> dict[str, Vector]:
        """Numbers of the table by name, (k,) each."""
        low, high = self.conf_int(level).T
        return {
            "estimate": self.estimates,
            "std_error": self.std_errors,
            "statistic": self.statistics,
            "p_value": self.p_values,
            "conf_low": low,
            "conf_high": high,
        }

    def tidy(self, level: float = 0.95) -> pa.Table:
        """Arrow table with one row for each estimate, null where the data do not determine it.

        Parameters
        ----------
        level : float, default 0.95
            Level of the confidence intervals.

        Returns
        -------
        pyarrow.Table
            The labels, then estimate, std_error, statistic, p_value, conf_low and conf_high.
        """
        numbers = {name: pa.array(v, pa.float64(), mask=np.isnan(v)) for name, v in self.columns(level).items()}
        return pa.table({**{name: _labels(values) for name, values in self.labels.items()}, **numbers})

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The estimates as a dict that JSON can represent, of the schema `gramian.effects/1`."""
        rows = [
            {k: finite(v) if isinstance(v, float) else v for k, v in row.items()}
            for row in self.tidy(level).to_pylist()
        ]
        return {"schema": SCHEMA, "title": self.title, "df": finite(self.df), "level": level, "estimates": rows}

    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary that rich's console can print."""
        from gramian.results.report_effects import render  # rich takes a while to import

        return render(self, level)

    def summary(self, level: float = 0.95) -> str:
        """The estimates as plain text."""
        from gramian.results.report import to_text

        return to_text(self.render(level))

    def plot(self, x: str | None = None, level: float = 0.95) -> Any:
        """A picture: lines with bands over a column of numbers, or dots with intervals where there is none.

        Parameters
        ----------
        x : str, optional
            Column of numbers for the axis; by default the one with most values, where it has three or more.
        level : float, default 0.95
            Level of bands and intervals.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gramian.results.effects_plot import draw

        return draw(self, level, x)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Effects({self.title!r}, {len(self)} estimates)"

    def _repr_html_(self) -> str:
        from gramian.results.html import to_html

        return to_html(self.render())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.tidy().__arrow_c_stream__(requested_schema)


def _labels(values: tuple[Level | None, ...]) -> pa.Array:
    """A column of labels: of one type as it is, else as text."""
    kinds = {type(v) for v in values if v is not None}
    return pa.array(values if len(kinds) <= 1 else [None if v is None else str(v) for v in values])
