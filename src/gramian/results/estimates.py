"""Base of all fits: coefficients, standard errors, tests, tables. Nothing is computed when a fit is made."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian.errors import OptionError, did_you_mean
from gramian.formula.dropped_rows import DroppedRows
from gramian.inference import normal, tests
from gramian.inference.covariance import Covariance
from gramian.inference.hypothesis import NonlinearHypothesisError, hypotheses
from gramian.inference.tests import Test
from gramian.results import tables
from gramian.results.dropped_rows import HasDroppedRows
from gramian.results.fitted_rows import FittedRows
from gramian.results.maketables import ForMaketables
from gramian.typing import Mask, Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.serialize.codec import Arrays

T = TypeVar("T", bound=np.generic)


class Facts(Protocol):
    """The numbers that every solver gives; arrays are in the order of `names`.

    Attributes
    ----------
    formula : str
        The formula of the fit.
    names : tuple of str, (p,)
        Names of the coefficients.
    coefficients : ndarray, (p,)
        Estimates, NaN where not identified.
    identified : ndarray of bool, (p,)
        Whether the data determine the coefficient.
    aliased : mapping of str to str
        Column that is a linear combination of others, and the combination.
    rows : int
        Rows that entered; with frequency weights their sum.
    weight : float
        Sum of weights.
    rank : int
        Numerical rank of the columns.
    effective : float
        Effective number of columns.
    condition : float
        Estimated condition number of the scaled columns.
    passes : int
        Passes over the data.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    """

    @property
    def formula(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def coefficients(self) -> Vector: ...
    @property
    def identified(self) -> Mask: ...
    @property
    def aliased(self) -> Mapping[str, str]: ...
    @property
    def rows(self) -> int: ...
    @property
    def weight(self) -> float: ...
    @property
    def rank(self) -> int: ...
    @property
    def effective(self) -> float: ...
    @property
    def condition(self) -> float: ...
    @property
    def passes(self) -> int: ...
    @property
    def dropped_rows(self) -> DroppedRows: ...


class Estimates(HasDroppedRows, ForMaketables):
    """Base of fits with a table of coefficients.

    Arrays are in the order of `names`, and read-only. A coefficient that the data do not determine is NaN, and so are
    its standard error and its tests. A subclass has `_facts`, and numbers of its own.

    Attributes
    ----------
    solved : object
        The solution that the solver made.
    covariance : Covariance
        Covariance matrix of the coefficients, with its degrees of freedom and its description.
    fitted_rows : FittedRows
        Where the rows of the fit are, which `predict` reads without data.
    noun : str
        What a coefficient is called in messages.
    """

    __slots__ = ()

    noun: ClassVar[str] = "coefficient"
    solved: Any
    covariance: Covariance
    fitted_rows: FittedRows

    @property
    @abstractmethod
    def _facts(self) -> Facts: ...

    @property
    def coefficient_df(self) -> Vector | None:
        """Degrees of freedom of the test of each coefficient, (p,); None where one number holds for all."""
        return self.covariance.coefficient_df

    @property
    def _dropped(self) -> DroppedRows:
        return self._facts.dropped_rows

    @abstractmethod
    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """Draw the fit.

        Parameters
        ----------
        data : object, optional
            Rows to compare the fit with, in any form that a fit accepts. Without rows the coefficients are drawn.
        kind : str, optional
            Kind of picture; by default what the model and the data allow.

        Returns
        -------
        matplotlib.figure.Figure
        """

    @abstractmethod
    def _content(self) -> tuple[str, Any, Arrays]:
        """What a file of the fit holds: its kind, its JSON and its arrays."""

    @abstractmethod
    def _parts(self, level: float) -> list[RenderableType]:
        """Parts of the summary."""

    @abstractmethod
    def _as_dict(self, level: float) -> dict[str, Any]:
        """The fit as a dict."""

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fit to a file that `gramian.load` reads.

        Parameters
        ----------
        path : str or path-like
            File to write; an existing one is replaced.

        Raises
        ------
        ArtifactError
            Where the file cannot be written.
        """
        from gramian.results.save_rows import with_rows
        from gramian.serialize import file as store  # most fits are not saved

        kind, content, arrays = self._content()
        store.save(path, kind, with_rows(content, self.fitted_rows), arrays)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as a dict that JSON can represent.

        Parameters
        ----------
        level : float, default 0.95
            Level of the confidence intervals.

        Returns
        -------
        dict
            Schema `gramian.fit/1`. Numbers that are not finite are None.
        """
        return self._as_dict(level)

    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary that rich's console can print.

        Parameters
        ----------
        level : float, default 0.95
            Level of the confidence intervals.

        Returns
        -------
        list of rich renderables
            Texts and tables, from top to bottom.
        """
        return self._parts(level)

    def summary(self, level: float = 0.95) -> str:
        """The fit as plain text: rows, coefficients with tests and intervals, quality, notes.

        Parameters
        ----------
        level : float, default 0.95
            Level of the confidence intervals.

        Returns
        -------
        str
            Several lines, without a newline at the end.
        """
        from gramian.results.report import to_text  # rich takes a while to import

        return to_text(self.render(level))

    @property
    def formula(self) -> str:
        """The formula as it was written."""
        return self._facts.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients, (p,)."""
        return self._facts.names

    @property
    def coefficients(self) -> Vector:
        """Estimates, (p,); NaN where the data do not determine them."""
        return read_only(self._facts.coefficients)

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,): square roots of the diagonal of `vcov`."""
        return self.covariance.std_errors

    @property
    def statistic(self) -> str:
        """Name of the test statistic: "t", or "z" where the degrees of freedom are infinite."""
        return "z" if np.isposinf(self.covariance.df) else "t"

    @property
    def statistics(self) -> Vector:
        """Estimates divided by their standard errors, (p,)."""
        return tests.ratios(self.coefficients, self.std_errors)

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values of the hypotheses that a coefficient is 0, (p,)."""
        return normal.probability(self.statistics, self.covariance.t_df)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Wald confidence intervals, estimate ± quantile × standard error.

        Parameters
        ----------
        level : float, default 0.95
            Confidence level, between 0 and 1.

        Returns
        -------
        ndarray, (p, 2)
            Lower and upper ends.
        """
        return normal.interval(self.coefficients, self.std_errors, level, self.covariance.t_df)

    @property
    def vcov(self) -> Matrix:
        """Covariance matrix of the coefficients, (p, p)."""
        return read_only(self.covariance.matrix)

    @property
    def rows(self) -> int:
        """Number of rows that entered, without those of weight zero; with frequency weights their sum."""
        return self._facts.rows

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return self._facts.weight

    @property
    def rank(self) -> int:
        """Number of coefficients that were estimated: the numerical rank of the columns."""
        return self._facts.rank

    @property
    def effective(self) -> float:
        """Effective number of columns: the rank, or under a penalty the trace of the hat matrix."""
        return self._facts.effective

    @property
    def df_residual(self) -> float:
        """Residual degrees of freedom: rows minus the effective number of columns."""
        return self.rows - self.effective

    @property
    def aliased(self) -> Mapping[str, str]:
        """Columns that are linear combinations of others, each with the combination as text."""
        return dict(self._facts.aliased)

    @property
    def identified(self) -> Mask:
        """Whether the data determine each coefficient, (p,)."""
        return read_only(self._facts.identified)

    @property
    def passes(self) -> int:
        """Number of passes over the data."""
        return self._facts.passes

    @property
    def condition(self) -> float:
        """Estimated condition number of the scaled and weighted columns in the basis of the solution."""
        return self._facts.condition

    def __getitem__(self, name: str) -> float:
        """The coefficient with this name. Raises OptionError where there is none."""
        if name not in self.names:
            raise OptionError(f"no {self.noun} '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.coefficients[self.names.index(name)])

    def test(self, text: str | Sequence[str]) -> Test:
        """Wald F test of hypotheses about the coefficients, with the covariance matrix of the fit.

        Parameters
        ----------
        text : str or list of str
            Hypotheses such as "x1 = x2, 2*x3 = 1" or "x1 = x2 = 0"; those between commas, and those of a list, are
            tested jointly. They need not be linear: "x1 / x2 = 1", "exp(x1) * x2^2 = 3".

        Returns
        -------
        Test
            Statistic, degrees of freedom and p-value. Where the dispersion is known the second degrees of freedom are
            infinite, so that k F, its `chi_squared`, has a chi-squared distribution with k degrees of freedom.

        Raises
        ------
        OptionError
            Where the text cannot be parsed, names what is not an estimated coefficient, or repeats or
            contradicts itself.
        NumericalError
            For more hypotheses than the rank of the covariance, which is at most the number of clusters less one.

        Notes
        -----
        F = (R b - q)' (R V R')^-1 (R b - q) / k for k hypotheses R b = q and the covariance matrix V. Of hypotheses
        h(b) = 0 that are not linear, R are the derivatives of h at b (the delta method), and R b - q is h(b).
        After CR2 F is multiplied by (d - k + 1) / d and has d - k + 1 degrees of freedom, as the test "HTZ" of
        clubSandwich, for up to 16 coefficients; with more coefficients the number of clusters less one.
        """
        pairs = zip(self.names, self.identified, strict=True)
        unknown = {n: self.aliased.get(n, "") for n, is_identified in pairs if not is_identified}
        try:
            R, q = hypotheses(text, self.names, unknown)
        except NonlinearHypothesisError:
            from gramian.inference.nonlinear import linearized  # few hypotheses are not linear

            R, q = linearized(text, self.names, self.coefficients, unknown)
        self.covariance.check_rank(len(R))
        return normal.wald(R, self.coefficients, q, self.vcov, *self.covariance.joint_df(R))

    def tidy(self, level: float = 0.95, *, exponentiate: bool = False) -> pa.Table:
        """Table of the coefficients with the column names of R's broom.

        Parameters
        ----------
        level : float, default 0.95
            Level of the confidence intervals.
        exponentiate : bool, default False
            Whether estimates and intervals are exponentiated, as odds ratios and rate ratios are; standard errors are
            then those of the exponentials, by the delta method. Tests and p-values stay.

        Returns
        -------
        pyarrow.Table
            Columns term, estimate, std_error, statistic, df where each coefficient has its own degrees of freedom,
            p_value, conf_low, conf_high, and digits where they were certified; null where a coefficient is not
            determined.
        """
        return tables.tidy(self, level, exponentiate=exponentiate)

    def _repr_html_(self) -> str:
        from gramian.results.html import to_html  # rich takes a while to import

        return to_html(self.render())


def read_only(array: NDArray[T]) -> NDArray[T]:
    """A view of the array that cannot be written to, so that results stay as they are."""
    view = array.view()
    view.flags.writeable = False
    return view
