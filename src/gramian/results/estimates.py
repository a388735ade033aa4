"""What every fit tells of its coefficients: estimates, errors, tests, the rows behind them. Computes nothing itself."""

from __future__ import annotations

import html
from abc import abstractmethod
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian.errors import OptionError, did_you_mean
from gramian.formula.dropped_rows import DroppedRows
from gramian.inference import normal, tests
from gramian.inference.covariance import Covariance
from gramian.inference.hypothesis import hypotheses
from gramian.inference.tests import Test
from gramian.results import tables
from gramian.results.dropped_rows import HasDroppedRows
from gramian.typing import Mask, Matrix, Vector

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T", bound=np.generic)


class Facts(Protocol):
    """What a solver leaves, of any kind of fit; arrays in the order of `names`."""

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


class Estimates(HasDroppedRows):
    """A table of coefficients. Arrays are in the order of `names`; what the data do not determine is NaN in them.

    A kind of fit says where its facts are, and what its own numbers are.
    """

    __slots__ = ()

    noun: ClassVar[str] = "coefficient"
    solved: Any
    covariance: Covariance

    @property
    @abstractmethod
    def _facts(self) -> Facts: ...

    @property
    def _dropped(self) -> DroppedRows:
        return self._facts.dropped_rows

    @abstractmethod
    def plot(self, data: object | None = None, kind: str | None = None) -> Any:
        """A matplotlib figure of the fit."""

    @abstractmethod
    def save(self, path: str | PathLike[str]) -> None:
        """Write the fit to a file that `gramian.load` reads."""

    @abstractmethod
    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain JSON; what is not a finite number is None."""

    @abstractmethod
    def render(self, level: float = 0.95) -> list[RenderableType]:
        """Parts of the summary, for a console that draws them."""

    def summary(self, level: float = 0.95) -> str:
        """All of it as plain text."""
        from gramian.results.report import to_text  # rich takes a while to import

        return to_text(self.render(level))

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self._facts.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self._facts.names

    @property
    def coefficients(self) -> Vector:
        """Estimates, (p,)."""
        return read_only(self._facts.coefficients)

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,)."""
        return self.covariance.std_errors

    @property
    def statistic(self) -> str:
        """What `statistics` are: "t", or "z" where the degrees of freedom are infinite."""
        return "z" if np.isposinf(self.covariance.df) else "t"

    @property
    def statistics(self) -> Vector:
        """Estimates divided by their standard errors, (p,)."""
        return tests.ratios(self.coefficients, self.std_errors)

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values, (p,)."""
        return normal.probability(self.statistics, self.covariance.df)

    def conf_int(self, level: float = 0.95) -> Matrix:
        """Wald's confidence intervals, (p, 2)."""
        return normal.interval(self.coefficients, self.std_errors, level, self.covariance.df)

    @property
    def vcov(self) -> Matrix:
        """Covariance of the coefficients, (p, p)."""
        return read_only(self.covariance.matrix)

    @property
    def rows(self) -> int:
        """Rows that entered (the sum of counts), those of weight zero not counted."""
        return self._facts.rows

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return self._facts.weight

    @property
    def rank(self) -> int:
        """Coefficients that were estimated."""
        return self._facts.rank

    @property
    def effective(self) -> float:
        """Effective number of columns: the rank, less under a penalty."""
        return self._facts.effective

    @property
    def df_residual(self) -> float:
        """Rows minus the effective number of columns."""
        return self.rows - self.effective

    @property
    def aliased(self) -> Mapping[str, str]:
        """Columns that are combinations of others, and the combination."""
        return dict(self._facts.aliased)

    @property
    def identified(self) -> Mask:
        """Which coefficients the data determine, (p,)."""
        return read_only(self._facts.identified)

    @property
    def passes(self) -> int:
        """Trips over the data."""
        return self._facts.passes

    @property
    def condition(self) -> float:
        """Estimated condition number of the scaled, weighted columns that were solved for."""
        return self._facts.condition

    def __getitem__(self, name: str) -> float:
        """The coefficient of that name."""
        if name not in self.names:
            raise OptionError(f"no {self.noun} '{name}'{did_you_mean(str(name), self.names)}")
        return float(self.coefficients[self.names.index(name)])

    def test(self, text: str) -> Test:
        """Wald's F test of linear hypotheses such as "x1 = x2, 2*x3 = 1", by the covariance in force.

        A comma tests jointly. Where the dispersion is known its second df is infinite, and k F is a chi-square.
        """
        pairs = zip(self.names, self.identified, strict=True)
        R, q = hypotheses(
            text, self.names, {n: self.aliased.get(n, "") for n, is_identified in pairs if not is_identified}
        )
        return normal.wald(R, self.coefficients, q, self.vcov, self.covariance.df)

    def tidy(self, level: float = 0.95) -> pa.Table:
        """One row for each coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high."""
        return tables.tidy(self, level)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def read_only(array: NDArray[T]) -> NDArray[T]:
    """The array without the right to change it."""
    view = array.view()
    view.flags.writeable = False
    return view
