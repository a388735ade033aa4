"""PenalizedFit: one point of a penalised path; frozen, holds no data."""

from __future__ import annotations

import html
from dataclasses import dataclass
from os import PathLike

import pyarrow as pa

from gramian.data.source import source_of
from gramian.errors import OptionError, did_you_mean
from gramian.fit.leastsquares.predict import predict
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.penalized.options import PathOptions
from gramian.fit.penalized.save import penalized_to_json
from gramian.formula.dropped_rows import DroppedRows
from gramian.inference import goodness
from gramian.results.dropped_rows import HasDroppedRows
from gramian.serialize import file as store
from gramian.typing import Vector

KIND = "penalized-fit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PenalizedFit(HasDroppedRows):
    """A ridge, lasso or elastic-net fit at one penalty, from a `Path` or a `CrossValidation`.

    It has no standard errors: those of a least squares fit would not count that the data have chosen the columns.
    """

    solved: Solved
    options: PathOptions

    @property
    def _dropped(self) -> DroppedRows:
        return self.solved.dropped_rows

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.solved.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients, the intercept's first."""
        return self.solved.names

    @property
    def coefficients(self) -> Vector:
        """Estimates, (p,), zero where a column is out."""
        view = self.solved.coefficients.view()
        view.flags.writeable = False
        return view

    @property
    def alpha(self) -> float:
        """The penalty."""
        return float(self.solved.alpha or 0.0)

    @property
    def l1_ratio(self) -> float:
        """0 for ridge, 1 for the lasso."""
        return self.options.l1_ratio

    @property
    def chosen(self) -> tuple[str, ...]:
        """Columns whose coefficients are not zero."""
        return tuple(name for name, b in zip(self.names, self.coefficients, strict=True) if b)

    @property
    def rows(self) -> int:
        """Rows that entered (the sum of counts)."""
        return self.solved.rows

    @property
    def df(self) -> float:
        """Degrees of freedom that the fit uses, the intercept's included."""
        return self.solved.leverage

    @property
    def deviance(self) -> float:
        """Weighted residual sum of squares, without the penalty."""
        return self.solved.rss

    @property
    def r_squared(self) -> float:
        """Share of the sum of squares that is explained."""
        return goodness.r_squared(self.deviance, self.solved.tss)

    def __getitem__(self, name: str) -> float:
        """The coefficient of that name."""
        if name not in self.names:
            raise OptionError(f"no coefficient '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.coefficients[self.names.index(name)])

    def predict(self, data: object) -> Vector:
        """One value for each row of the data, NaN where a predictor is missing."""
        return predict(self.solved, source_of(data))

    def tidy(self) -> pa.Table:
        """One row for each coefficient: term, estimate."""
        return pa.table({"term": pa.array(self.names, pa.string()), "estimate": self.coefficients})

    def summary(self) -> str:
        """All of it as plain text."""
        from gramian.fit.penalized.report import fit_text  # rich takes a while to import

        return fit_text(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *penalized_to_json(self.solved, self.options))

    def __repr__(self) -> str:
        chosen = sum(name != "Intercept" for name in self.chosen)
        return (
            f"PenalizedFit({self.formula!r}, l1_ratio={self.l1_ratio:g}, alpha={self.alpha:.6g}, "
            f"{chosen} of {len(self.names) - self.solved.intercept} columns, r_squared={self.r_squared:.4g})"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"
