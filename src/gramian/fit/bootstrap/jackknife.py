"""The cluster jackknife of a linear fit: coefficients without each cluster, and how much each of them weighs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from gramian.errors import NumericalError, OptionError, did_you_mean
from gramian.fit.bootstrap.saved_draws import SavedDraws
from gramian.fit.bootstrap.sums import BootstrapSums
from gramian.fit.bootstrap.unit_products import UnitProducts, unit_products
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.vcov.sandwich import MIN_REMAINDER
from gramian.formula.coding import level_name
from gramian.inference import normal, tests
from gramian.inference.draws.redrawn import cross_products
from gramian.results.estimates import read_only
from gramian.results.tables import finite
from gramian.serialize.codec import Codec
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = "gramian.jackknife/1"
MAX_NAMED = 5  # clusters in a message
FEW_EFFECTIVE = 0.5  # of the clusters: with an effective number below it standard errors rest on few of them


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Jackknife(SavedDraws):
    """The coefficients of a linear fit without each of its G clusters.

    Prints as a table, and is one to pandas, polars and others that read Arrow.

    Attributes
    ----------
    names : tuple of str
        Names of the p coefficients.
    estimates : ndarray, (p,)
        Of the fit; NaN where not identified.
    coefficients : ndarray, (G, p)
        Without each cluster.
    cluster : str
        Name of the column of clusters.
    values : Arrow array
        (G,) the clusters, in order.
    rows : ndarray, (G,)
        Their numbers of rows.
    leverages : ndarray, (G,)
        Traces of their parts of the hat matrix, which sum to the number of columns.
    partial_leverages : ndarray, (G, p)
        Shares of the clusters in the variation of a column that the other columns do not explain.
    """

    saved_as: ClassVar[str] = "jackknife"
    names: tuple[str, ...]
    estimates: Vector
    coefficients: Matrix
    cluster: str
    values: Any
    rows: Vector
    leverages: Vector
    partial_leverages: Matrix

    @classmethod
    def _codec(cls) -> Codec[Any]:
        """What a file holds."""
        from gramian.serialize.record import at, record
        from gramian.serialize.values import ARROW_COLUMN

        return record(
            cls,
            "names[p] estimates[p]? coefficients[g,p]? cluster",
            at("values", ARROW_COLUMN.along("g")),
            "rows[g] leverages[g] partial_leverages[g,p]?",
        )

    @property
    def clusters(self) -> int:
        """Number of clusters, G."""
        return len(self.coefficients)

    @property
    def df(self) -> float:
        """Degrees of freedom of t, G - 1."""
        return self.clusters - 1.0

    @property
    def vcov(self) -> Matrix:
        """Covariance (p, p): (G - 1) / G times the sum of (b_g - b)(b_g - b)', which is CR3."""
        changes = self.coefficients - self.estimates
        return np.asarray((self.clusters - 1) / self.clusters * (changes.T @ changes))

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,)."""
        return np.sqrt(self.vcov.diagonal())

    @property
    def bias(self) -> Vector:
        """G - 1 times the mean of b_g - b, (p,)."""
        return np.asarray((self.clusters - 1) * (self.coefficients - self.estimates).mean(axis=0))

    @property
    def effective_clusters(self) -> Vector:
        """Effective number of clusters of each coefficient, (p,): G where all have the same partial leverage.

        As Carter, Schnepel and Steigerwald, Review of Economics and Statistics 99 (2017), with rho = 0.
        """
        variation = np.square(self.partial_leverages * self.clusters - 1.0).mean(axis=0)
        return np.asarray(self.clusters / (1.0 + variation))

    @property
    def statistics(self) -> Vector:
        """Estimates over their standard errors, (p,)."""
        return tests.ratios(self.estimates, self.std_errors)

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values by t with G - 1 degrees of freedom, (p,)."""
        return normal.probability(self.statistics, self.df)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Confidence intervals by t with G - 1 degrees of freedom, (p, 2).

        Parameters
        ----------
        level : float, default 0.95
            Confidence level.
        """
        return normal.interval(self.estimates, self.std_errors, level, self.df)

    def tidy(self, level: float = 0.95) -> pa.Table:
        """A row for each coefficient: term, estimate, bias, std_error, statistic, p_value, conf_low, conf_high.

        Parameters
        ----------
        level : float, default 0.95
            Level of the confidence intervals.
        """
        low, high = self.conf_int(level).T
        numbers = {
            "estimate": self.estimates,
            "bias": self.bias,
            "std_error": self.std_errors,
            "statistic": self.statistics,
            "p_value": self.p_values,
            "conf_low": low,
            "conf_high": high,
        }
        return pa.table({"term": pa.array(self.names, pa.string())} | {n: _nullable(v) for n, v in numbers.items()})

    def influence(self) -> pa.Table:
        """A row for each cluster: its value, rows, leverage, and the coefficients without it, by name."""
        facts = {self.cluster: self.values, "rows": self.rows.astype(np.int64), "leverage": self.leverages}
        return pa.table({**facts, **{n: _nullable(self.coefficients[:, j]) for j, n in enumerate(self.names)}})

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """Both tables as a dict that JSON can represent, of the schema `gramian.jackknife/1`."""
        facts = {"cluster": self.cluster, "clusters": self.clusters, "df": self.df, "level": level}
        return {
            "schema": SCHEMA,
            **facts,
            "coefficients": _rows(self.tidy(level)),
            "influence": _rows(self.influence()),
        }

    def concerns(self) -> Iterator[str]:
        """Coefficients that rest on few of the clusters, each as a line of text."""
        for j in np.flatnonzero(self.effective_clusters < FEW_EFFECTIVE * self.clusters).tolist():
            at = int(self.partial_leverages[:, j].argmax())
            share, name = self.partial_leverages[at, j], level_name(self.values[at].as_py())
            yield (
                f"{self.names[j]} rests on as if {self.effective_clusters[j]:.1f} clusters: {self.cluster} {name} has "
                f"{100 * share:.0f} % of its variation"
            )

    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary that rich's console can print."""
        from gramian.fit.bootstrap.report import render_jackknife  # rich takes a while to import

        return render_jackknife(self, level)

    def summary(self, level: float = 0.95) -> str:
        """The table as plain text."""
        from gramian.results.report import to_text

        return to_text(self.render(level))

    def plot(self, name: str) -> Any:
        """The coefficient without each cluster, against the estimate.

        Parameters
        ----------
        name : str
            Of the coefficient.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        OptionError
            Where there is no such coefficient.
        """
        from gramian.plots.draws import without_clusters

        if name not in self.names:
            raise OptionError(f"no coefficient '{name}'{did_you_mean(name, self.names)}")
        at = self.names.index(name)
        labels = [level_name(value) for value in self.values.to_pylist()]
        return without_clusters(labels, self.coefficients[:, at], float(self.estimates[at]), (name, self.cluster))

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Jackknife({self.clusters:,} clusters, {len(self.names)} coefficients)"

    def _repr_html_(self) -> str:
        from gramian.results.html import to_html

        return to_html(self.render())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.tidy().__arrow_c_stream__(requested_schema)


def jackknife(solved: Solved, sums: BootstrapSums) -> Jackknife:
    """The jackknife of a fit from its sums by cluster.

    Raises as `unit_products`, and NumericalError where a coefficient rests on one cluster.
    """
    own = unit_products(solved, sums)
    known = np.where(solved.identified, 1.0, np.nan)
    b = solved.coefficients * known
    (column,) = sums.spec.clusters
    return Jackknife(
        solved.names,
        read_only(b),
        read_only(b + _changes(own, column) @ own.to_model.T),
        column,
        own.values,
        read_only(own.counts),
        read_only(np.trace(own.products, axis1=1, axis2=2)),
        read_only(cross_products(own.products, own.to_model) * known),
    )


def _changes(own: UnitProducts, column: str) -> Matrix:
    """Changes (G, k) when a cluster is left out: -(1 - N_g)^-1 s_g."""
    remainder = np.eye(own.products.shape[1]) - own.products
    lowest = np.linalg.eigvalsh(remainder).min(axis=1, initial=1.0)
    alone = np.flatnonzero(lowest < MIN_REMAINDER)
    if len(alone):
        named = ", ".join(level_name(own.values[int(g)].as_py()) for g in alone[:MAX_NAMED])
        more = f" and {len(alone) - MAX_NAMED:,} more" if len(alone) > MAX_NAMED else ""
        raise NumericalError(
            f"{column} {named}{more} cannot be left out: a coefficient rests on one cluster alone, so there is no "
            "jackknife; leave that column or cluster out"
        )
    return np.asarray(-np.linalg.solve(remainder, own.scores[:, :, None])[:, :, 0])


def _nullable(values: Vector) -> pa.Array:
    """Numbers as an Arrow array, null where NaN."""
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table, with numbers that JSON has."""
    return [{k: finite(v) if isinstance(v, float) else v for k, v in row.items()} for row in table.to_pylist()]
