"""Differences between two Grams: one regression or two (Chow's test), means, coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.errors import NumericalError
from gramian.fit.gram.arithmetic import add_grams
from gramian.fit.gram.fit import in_float64
from gramian.fit.gram.models import ModelSpec, one_model
from gramian.fit.gram.provenance import check_separate
from gramian.fit.gram.sums import GramData
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.linear.correlation import centred_columns
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.options import Options
from gramian.formula.grammar import parse
from gramian.inference.tests import Test, f_probability, t_probability
from gramian.results.tables import finite
from gramian.typing import Vector

SCHEMA = "gramian.gram_difference/1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GramDifference:
    """Differences between the rows of two Grams: the result of `gm.compare_grams`.

    Attributes
    ----------
    formula : str
        The model that was fitted to both.
    first, second : LinearFit
        Its fits to the rows of each Gram.
    chow : Test
        F test that both have the same coefficients; its estimate is the residual sum of squares of one fit to all rows,
        less those of both.
    means : pyarrow.Table
        For each column: mean_first, mean_second, difference, std_error, statistic, df, p_value (Welch's t test).
    coefficients : pyarrow.Table
        The same for each coefficient: estimate_first, estimate_second, difference, and so on.

    References
    ----------
    Chow, G. C. (1960). Tests of equality between sets of coefficients in two linear regressions. Econometrica 28,
    591-605. Welch, B. L. (1947). The generalization of Student's problem. Biometrika 34, 28-35.
    """

    formula: str
    first: LinearFit
    second: LinearFit
    chow: Test
    means: pa.Table
    coefficients: pa.Table

    def summary(self) -> str:
        """The test and both tables as text."""
        from gramian.fit.gram.report import aligned

        df = " and ".join(f"{df:g}" for df in self.chow.df)
        lines = [
            f"{self.formula}: {self.first.rows:,} and {self.second.rows:,} rows",
            f"Chow's test of equal coefficients: F = {self.chow.statistic:.6g} with {df} degrees of freedom, "
            f"p = {self.chow.p_value:.4g}",
        ]
        for table in (self.coefficients, self.means):
            columns = [[_cell(value) for value in column] for column in table.to_pydict().values()]
            lines += ["", *aligned([table.column_names, *zip(*columns, strict=True)], right=True)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The differences as a dict that JSON can represent.

        Returns
        -------
        dict
            Schema `gramian.gram_difference/1`. Numbers that are not finite are None.
        """
        chow = {
            "statistic": finite(self.chow.statistic),
            "df": list(self.chow.df),
            "p_value": finite(self.chow.p_value),
        }
        tables = {"coefficients": self.coefficients, "means": self.means}
        rows = {"first": self.first.rows, "second": self.second.rows}
        return {
            "schema": SCHEMA,
            "formula": self.formula,
            "rows": rows,
            "chow": chow,
            **{name: [_finite_row(row) for row in table.to_pylist()] for name, table in tables.items()},
        }

    def _repr_html_(self) -> str:
        from gramian.results.html import arrow_html

        tables = arrow_html("coefficients", self.coefficients) + arrow_html("means", self.means)
        return self.chow._repr_html_() + tables

    def __repr__(self) -> str:
        return f"GramDifference({self.formula!r}, p_value={self.chow.p_value:.4g})"


def difference(a: GramData, b: GramData, formula: str | None) -> GramDifference:
    """The differences of two Grams of the same terms; parameters and errors as of `gramian.compare_grams`."""
    check_separate(a.provenance, b.provenance)
    pooled = add_grams(a, b)  # refuses Grams of other terms
    spec = ModelSpec(formula)
    first, second, both = (_fitted(data, spec) for data in (a, b, pooled))
    numerator = first.rank + second.rank - both.rank
    denominator = first.rows + second.rows - first.rank - second.rank
    if numerator <= 0 or denominator <= 0:
        raise NumericalError(
            f"both Grams together have {first.rows + second.rows:,} rows for {first.rank + second.rank} coefficients: "
            "too few to compare them"
        )
    gain, rest = max(both.rss - first.rss - second.rss, 0.0), first.rss + second.rss
    statistic = (gain / numerator) / (rest / denominator) if rest > 0.0 else np.inf if gain > 0.0 else np.nan
    df = float(numerator), float(denominator)
    chow = Test(float(statistic), df, f_probability(float(statistic), df), (gain,))
    fits = LinearFit(first), LinearFit(second)
    text = a.design.formula if formula is None else parse(formula).text
    return GramDifference(text, *fits, chow, _means(a, b, spec), _coefficients(*fits))


def _fitted(data: GramData, spec: ModelSpec) -> Solved:
    """The fit of a model to the rows of a Gram."""
    design, accumulated = one_model(data, spec, "a comparison")
    return solve_linear(design, in_float64(design, accumulated), Options(digits=0.0))


def _means(a: GramData, b: GramData, spec: ModelSpec) -> pa.Table:
    """Means of all columns; a level that one of them does not have has the mean zero there."""
    sides = []
    for data in (a, b):
        design, accumulated = one_model(data, spec, "a comparison")
        moments = accumulated.moments
        names, means, products, _ = centred_columns(design, moments)
        rows = moments.rows
        variances = np.maximum(products.diagonal(), 0.0) / moments.weight / max(rows - 1, 1)
        sides.append((dict(zip(names, zip(means, variances, strict=True), strict=True)), float(rows - 1)))
    (first, n), (second, m) = sides
    names = tuple(dict.fromkeys((*first, *second)))
    old, new = (np.array([side.get(name, (0.0, 0.0)) for name in names]) for side in (first, second))
    return _table("name", "mean", names, old[:, 0], new[:, 0], old[:, 1], new[:, 1], (n, m))


def _coefficients(first: LinearFit, second: LinearFit) -> pa.Table:
    """Coefficients that both fits have."""
    names = tuple(name for name in first.names if name in second.names)
    at, there = [first.names.index(n) for n in names], [second.names.index(n) for n in names]
    df = float(first.df_residual), float(second.df_residual)
    errors = first.std_errors[at] ** 2, second.std_errors[there] ** 2
    return _table("term", "estimate", names, first.coefficients[at], second.coefficients[there], *errors, df)


def _table(
    key: str, what: str, names: tuple[str, ...], old: Vector, new: Vector, v: Vector, w: Vector, df: tuple[float, float]
) -> pa.Table:
    """Differences with Welch's t test. old, new : (p,) with variances v, w and degrees of freedom df."""
    with np.errstate(invalid="ignore", divide="ignore"):
        std_error = np.sqrt(v + w)
        statistic = (new - old) / std_error
        welch = (v + w) ** 2 / (v**2 / max(df[0], 1.0) + w**2 / max(df[1], 1.0))
    p_values = [
        float(t_probability(np.array([t]), float(d))[0]) if np.isfinite(t) and d > 0 else np.nan
        for t, d in zip(statistic, welch, strict=True)
    ]
    columns = {
        f"{what}_first": old,
        f"{what}_second": new,
        "difference": new - old,
        "std_error": std_error,
        "statistic": statistic,
        "df": welch,
        "p_value": np.array(p_values),
    }
    arrays = {name: pa.array(values, pa.float64(), mask=np.isnan(values)) for name, values in columns.items()}
    return pa.table({key: pa.array(names, pa.string()), **arrays})


def _finite_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a table for JSON."""
    return {key: finite(value) if isinstance(value, float) else value for key, value in row.items()}


def _cell(value: object) -> str:
    """A cell of a table as text."""
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
