"""The result of a bootstrap that draws clusters or rows: coefficients of every draw."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from gramian.errors import OptionError, did_you_mean
from gramian.fit.bootstrap.saved_draws import SavedDraws
from gramian.inference.draws.intervals import DrawnEstimates
from gramian.results.estimates import read_only
from gramian.results.tables import finite
from gramian.serialize.codec import Codec
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = "gramian.bootstrap/1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bootstrap(SavedDraws):
    """The coefficients of a linear fit in draws of its clusters, or of its rows.

    Prints as a table, and is one to pandas, polars and others that read Arrow.

    Attributes
    ----------
    names : tuple of str
        Names of the p coefficients.
    drawn : DrawnEstimates
        Estimates of the fit, and of those of the d draws that have one.
    requested : int
        Draws that were asked for.
    unit : str
        What was drawn: "clusters" or "rows".
    units : int
        How many there are.
    weights : str
        Distribution of how often one is in a draw.
    seed : int or None
        Of the random numbers.
    """

    saved_as: ClassVar[str] = "bootstrap"
    names: tuple[str, ...]
    drawn: DrawnEstimates
    requested: int
    unit: str
    units: int
    weights: str
    seed: int | None = None

    @classmethod
    def _codec(cls) -> Codec[Any]:
        """What a file holds."""
        from gramian.serialize.codec import rule
        from gramian.serialize.record import record

        return record(
            cls,
            "names[p] estimates[p]?=drawn.estimates draws[d,p]?=drawn.draws std_errors[p]?=drawn.std_errors",
            "draw_errors[d,p]?=drawn.draw_errors requested unit units weights seed",
            rule(
                lambda found: (found.drawn.std_errors is None) == (found.drawn.draw_errors is None),
                "standard errors of the fit and of its draws, or none",
                "drawn.draw_errors",
            ),
            rule(
                lambda found: found.requested >= len(found.drawn.draws) > 0, "no more draws than asked for", "requested"
            ),
        )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def estimates(self) -> Vector:
        """Coefficients of the fit, (p,)."""
        return read_only(self.drawn.estimates)

    @property
    def coefficients(self) -> Matrix:
        """Coefficients of the draws, (d, p)."""
        return read_only(self.drawn.draws)

    @property
    def draws(self) -> int:
        """Number of draws that have an estimate, d."""
        return len(self.drawn.draws)

    @property
    def failed(self) -> int:
        """Number of draws whose rows do not determine the coefficients; they are left out."""
        return self.requested - self.draws

    @property
    def std_errors(self) -> Vector:
        """Standard deviations of the draws, (p,)."""
        return np.asarray(self.drawn.draws.std(axis=0, ddof=1))

    @property
    def vcov(self) -> Matrix:
        """Covariance matrix of the draws, (p, p)."""
        return np.atleast_2d(np.cov(self.drawn.draws, rowvar=False))

    @property
    def bias(self) -> Vector:
        """Mean of the draws minus the estimate, (p,)."""
        return np.asarray(self.drawn.draws.mean(axis=0) - self.drawn.estimates)

    @property
    def kind(self) -> str:
        """The kind of interval and p-value that is taken unasked: t where draws have standard errors."""
        return "percentile" if self.drawn.draw_errors is None else "t"

    def p_values(self, kind: str | None = None) -> Vector:
        """Two-sided p-values of the hypotheses that a coefficient is 0, (p,).

        Parameters
        ----------
        kind : {"percentile", "basic", "t"}, optional
            Of the interval that leaves zero out at this level and higher ones; by default `kind`.
        """
        return self.drawn.p_values(kind or self.kind)

    def conf_int(self, level: float = 0.95, kind: str | None = None, *, together: bool = False) -> Matrix:
        """Confidence intervals, (p, 2).

        Parameters
        ----------
        level : float, default 0.95
            Confidence level.
        kind : {"percentile", "basic", "t"}, optional
            Quantiles of the draws; these mirrored at the estimate; or quantiles of t, with a standard error of each
            draw, which clusters have and rows do not. By default `kind`.
        together : bool, default False
            Whether all intervals hold together with this level (sup-t): symmetric ones, by the largest statistic of
            each draw.

        Raises
        ------
        OptionError
            For t of rows, and for a level that needs more draws.
        """
        if not together:
            return self.drawn.interval(kind or self.kind, level)
        errors = self.std_errors if self.drawn.std_errors is None else self.drawn.std_errors
        width = self.drawn.largest(level) * errors
        return np.column_stack([self.estimates - width, self.estimates + width])

    def tidy(self, level: float = 0.95, kind: str | None = None) -> pa.Table:
        """A row for each coefficient: term, estimate, bias, std_error, p_value, conf_low, conf_high.

        Parameters
        ----------
        level : float, default 0.95
            Level of the confidence intervals.
        kind : {"percentile", "basic", "t"}, optional
            Of interval and p-value.
        """
        low, high = self.conf_int(level, kind).T
        numbers = {
            "estimate": self.estimates,
            "bias": self.bias,
            "std_error": self.std_errors,
            "p_value": self.p_values(kind),
            "conf_low": low,
            "conf_high": high,
        }
        return pa.table(
            {"term": pa.array(self.names, pa.string())}
            | {n: pa.array(v, pa.float64(), mask=np.isnan(v)) for n, v in numbers.items()}
        )

    def to_dict(self, level: float = 0.95, kind: str | None = None) -> dict[str, Any]:
        """The table as a dict that JSON can represent, of the schema `gramian.bootstrap/1`."""
        facts = {"weights": self.weights, "draws": self.draws, "failed": self.failed, self.unit: self.units}
        rows = [
            {k: finite(v) if isinstance(v, float) else v for k, v in row.items()}
            for row in self.tidy(level, kind).to_pylist()
        ]
        own = {"seed": self.seed, "level": level, "kind": kind or self.kind, "coefficients": rows}
        return {"schema": SCHEMA, "type": self.unit, **facts, **own}

    def render(self, level: float = 0.95, kind: str | None = None) -> list[RenderableType]:
        """Parts of the summary that rich's console can print."""
        from gramian.fit.bootstrap.report import render_draws  # rich takes a while to import

        return render_draws(self, level, kind or self.kind)

    def summary(self, level: float = 0.95, kind: str | None = None) -> str:
        """The table as plain text."""
        from gramian.results.report import to_text

        return to_text(self.render(level, kind))

    def plot(self, name: str, level: float = 0.95, kind: str | None = None) -> Any:
        """A histogram of the draws of a coefficient, with its estimate and interval.

        Parameters
        ----------
        name : str
            Of the coefficient.
        level : float, default 0.95
            Level of the interval.
        kind : {"percentile", "basic", "t"}, optional
            Of the interval.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        OptionError
            Where there is no such coefficient, or the data do not determine it.
        """
        from gramian.plots.draws import histogram

        if name not in self.names or math.isnan(self.estimates[self.names.index(name)]):
            raise OptionError(f"no coefficient '{name}' with draws{did_you_mean(name, self.names)}")
        at, one = self.names.index(name), kind or self.kind
        title = f"{name} in {self.draws:,} draws of {self.units:,} {self.unit}"
        interval, axis = self.conf_int(level, one)[at], (name, f"{100 * level:g} % interval ({one})")
        return histogram(self.coefficients[:, at], float(self.estimates[at]), interval, title=title, labels=axis)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Bootstrap({self.draws:,} draws of {self.units:,} {self.unit}, {len(self)} coefficients)"

    def _repr_html_(self) -> str:
        from gramian.results.html import to_html

        return to_html(self.render())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.tidy().__arrow_c_stream__(requested_schema)
