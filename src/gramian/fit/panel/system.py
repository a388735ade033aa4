"""The sums of a pass as the products of a panel, and its estimates in the model's columns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, first_solution
from gramian.fit.panel.by_group import PanelSums, SolvedColumns, solved_columns
from gramian.fit.panel.options import PanelOptions
from gramian.fit.panel.solution import MeansTest, PanelSolved
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.mixed.panel import GroupColumns, Regression, VarianceComponents
from gramian.linalg.monomials import CONSTANT
from gramian.linalg.solve import Solution, embedded
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Panel:
    """The products of a panel, and maps to the model's columns.

    Attributes
    ----------
    system, ols : System, Solved
        The regression of all rows.
    columns : GroupColumns
        Products of the solved columns that do not depend on others.
    kept : ndarray of int, shape (r,)
        Positions of these columns.
    to_model : ndarray of shape (p, r)
        Coefficients of the model's columns from those of the solved ones, NaN in rows of aliased ones.
    """

    system: System
    ols: Solved
    columns: GroupColumns
    kept: Codes
    to_model: Matrix

    @property
    def constant(self) -> int | None:
        """Position of the constant among the kept columns."""
        at = self.ols.parametrization.constant
        return None if at is None or at not in self.kept else int(np.flatnonzero(self.kept == at)[0])

    @property
    def scale(self) -> float:
        """Unit of the outcome that was solved for."""
        return float(self.ols.parametrization.scale)

    @property
    def shift(self) -> Vector:
        """What the shift of the outcome adds to the coefficients, (p,)."""
        return shift_of(self.ols)


def panel_of(design: Design, sums: PanelSums, options: Options) -> Panel:
    """The products of a panel from the sums of a pass."""
    system, ols = first_solution(design, sums.total, options)
    groups = sums.groups.take(sums.groups.by_value())
    columns = solved_columns(ols.parametrization, ols.levels.names)
    constant = SolvedColumns((((), CONSTANT), columns.labels[-1]), None)
    kept = np.flatnonzero(ols.solution.independent)
    at = np.append(kept, len(ols.names))
    products = groups.products_of(columns, columns)[:, kept][:, :, at]
    totals = groups.products_of(constant, columns)[:, 0, at]
    square = float(system.products.hi[-1, -1])
    return Panel(system, ols, GroupColumns(products, totals, groups.counts, square), kept, to_model_of(ols, kept))


def to_model_of(ols: Solved, kept: Codes) -> Matrix:
    """(p, r) coefficients of the model's columns from those of the r kept ones."""
    identity, T = np.eye(len(ols.names)), ols.parametrization.to_model
    out = identity if T is None else maps.multiply(maps.map_of(T), identity)
    if ols.aliased:
        null = out @ ols.solution.null
        positions = np.array([ols.names.index(name) for name in ols.aliased], np.int64)
        null = null @ np.linalg.inv(null[positions])
        out = out - null @ out[positions]
        out[positions] = np.nan
    return np.asarray(out[:, kept])


def shift_of(ols: Solved) -> Vector:
    """What the shift of the outcome adds to the coefficients of the model's columns, (p,)."""
    out = np.zeros(len(ols.names))
    for i, c in ols.parametrization.response_shift.items():
        out[i] = float(c)
    return out


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an estimator has found, in the solved columns.

    Attributes
    ----------
    products : ndarray of shape (k + 1, k + 1)
        The products of its regression, the outcome last.
    found : Regression
        The regression.
    covariance : ndarray of shape (k, k)
        Covariance of its coefficients.
    kind, description : str
        Name of the covariance, in short and in a line.
    df : float
        Degrees of freedom of t.
    sigma : float
        Standard deviation of its residuals.
    varying : ndarray of int or None
        Columns whose means are in the regression, behind the columns themselves.
    parts : VarianceComponents or None
        Variances of residuals and groups.
    means : MeansTest or None
        For Hausman's test.
    """

    products: Matrix
    found: Regression
    covariance: Matrix
    kind: str
    description: str
    df: float
    sigma: float
    varying: Codes | None = None
    parts: VarianceComponents | None = None
    means: MeansTest | None = None


def in_model_columns(panel: Panel, own: PanelOptions, estimate: Estimate, passes: int) -> PanelSolved:
    """The fit in the model's columns, in units of the outcome."""
    ols, counts, parts, scale = panel.ols, panel.columns.counts, estimate.parts, panel.scale
    T, names = np.nan_to_num(panel.to_model), ols.names
    shift, identified = panel.shift, ols.identified
    structural = replace(ols, passes=passes, accuracy=None)
    if estimate.varying is not None:
        at = panel.kept[estimate.varying]
        T = _with_means(panel, estimate.varying)
        names = (*names, *(f"mean({ols.names[i]})" for i in at))
        shift, identified = np.append(shift, np.zeros(len(at))), np.append(identified, np.ones(len(at), bool))
    b = np.where(identified, T @ estimate.found.coefficients * scale + shift, np.nan)
    known = np.ix_(identified, identified)
    covariance = np.full((len(b), len(b)), np.nan)
    covariance[known] = (T @ estimate.covariance @ T.T)[known] * scale**2
    if estimate.varying is None:
        structural = replace(structural, coefficients=b, solution=_solution(panel, estimate.found))
    return PanelSolved(
        structural=structural,
        estimator=own.estimator,
        panel=own.panel,
        names=names,
        coefficients=b,
        identified=identified,
        covariance=covariance,
        kind=estimate.kind,
        description=estimate.description,
        df=estimate.df,
        sigma=estimate.sigma * scale,
        sigma_residual=math.nan if parts is None else math.sqrt(parts.residual) * scale,
        sigma_group=math.nan if parts is None else math.sqrt(parts.group) * scale,
        r_squared=_explained(panel, estimate.products, estimate.found),
        groups=len(counts),
        sizes=np.array([counts.min(), counts.max()]),
        quasi=_quasi(counts, parts),
        means=estimate.means,
    )


def _with_means(panel: Panel, varying: Codes) -> Matrix:
    """(p + m, r + m) coefficients of the model's columns and their means from those of the solved ones."""
    at, T = panel.kept[varying], np.nan_to_num(panel.to_model)
    p, r = T.shape
    out = np.zeros((p + len(at), r + len(at)))
    out[:p, :r], out[p:, r:] = T, T[np.ix_(at, varying)]
    # the mean of a column that is the same in all rows of a group is the column itself
    out[:p, r:] = np.where(np.isin(np.arange(p), at)[:, None], 0.0, T[:, varying])
    return out


def _solution(panel: Panel, found: Regression) -> Solution:
    """The solution of the solved columns."""
    own = panel.ols.solution
    b = np.zeros(len(own.coefficients))
    b[panel.kept] = found.coefficients
    inverse = embedded(found.inverse, own.independent)
    return replace(own, coefficients=b, inverse=inverse, rss=found.square, bounds=None, low=None, root=None)


def _explained(panel: Panel, A: Matrix, found: Regression) -> float:
    """Share of the square of the outcome, about its mean where there is a constant, that a regression explains."""
    c = panel.constant
    total = A[-1, -1] - (0.0 if c is None else A[c, -1] ** 2 / A[c, c])
    return 1.0 - found.square / total if total > 0.0 else math.nan


def _quasi(counts: Vector, parts: VarianceComponents | None) -> Vector:
    """The smallest and the largest share of its mean that random effects subtract from a group."""
    if parts is None:
        return np.zeros(2)
    sizes = np.array([counts.min(), counts.max()])
    return np.asarray(1.0 - 1.0 / np.sqrt(1.0 + sizes * parts.group / parts.residual))
