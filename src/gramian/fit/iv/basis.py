"""The instruments in an orthonormal basis, in which both stages and all their tests are small and well conditioned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.iv.system import IvSystem
from gramian.fit.leastsquares.solution import stored_combinations
from gramian.linalg.triangular import solve_triangular
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Basis:
    """An orthonormal basis Q of the m instruments, Q'WQ = 1: the constant, the exogenous columns, the excluded ones.

    Attributes
    ----------
    system : IvSystem
        Both stages.
    endogenous : ndarray of int, shape (k,)
        Endogenous columns of the model.
    Q : ndarray of shape (p, m)
        The basis as combinations of the columns of `system.parametrization`.
    back : ndarray of shape (s + 1, k + 1)
        The endogenous columns and the outcome, in their own units, as combinations of centred and scaled regressors
        and outcome, but for exogenous columns.
    """

    system: IvSystem
    endogenous: Codes
    Q: Matrix
    back: Matrix

    @property
    def excluded(self) -> int:
        """Number of excluded instruments, the last of the basis."""
        stage = self.system.stage
        return len(stage.L) - stage.included

    @property
    def has_constant(self) -> bool:
        """Whether the constant is the first of the basis."""
        return bool(self.Q.shape[1] > len(self.system.stage.L))

    def projection(self) -> Matrix:
        """Q'WX (m, p) of the structural columns that are solved for."""
        system, stage = self.system, self.system.stage
        first = int(self.has_constant)
        out = np.zeros((self.Q.shape[1], len(system.system.columns)))
        own, root = stage.centred, np.sqrt(stage.centred.weight)
        out[first:, system.places] = stage.T[:, :-1] / own.scale[stage.regressors]
        constant = system.system.parametrization.constant
        if first:
            out[0, system.places] = own.mean[stage.regressors] * root
        if first and constant is not None:
            out[0, constant] = root
        return out

    def columns(self, centred: Matrix) -> Matrix:
        """Combinations (s, c) of the centred and scaled regressors as combinations (p, c) of the joint columns."""
        system, own = self.system, self.system.stage.centred
        out = np.zeros((len(self.Q), centred.shape[1]))
        at = self.system.stage.regressors
        scaled = own.scale[at][:, None] * centred
        out[system.width + system.places] = scaled
        if self.has_constant:
            out[_constant(system)] -= own.mean[at] @ scaled
        return out

    def stored(self, combinations: Matrix) -> Matrix:
        """Combinations of the joint columns (p, c) as combinations of stored columns (q, c)."""
        return stored_combinations(self.system.parametrization, combinations)


def basis_of(system: IvSystem, endogenous: Codes, back: Matrix) -> Basis:
    """The basis of both stages; endogenous, back : as the attributes of `Basis`."""
    stage = system.stage
    own, at = stage.centred, stage.instruments[stage.independent]
    L, first = stage.L, system.system.partialled_out is None and own.constant is not None
    Q = np.zeros((system.width + len(system.system.columns), len(L) + int(first)))
    root = own.scale[at][:, None] * solve_triangular(L, np.eye(len(L)), lower=True).T if len(L) else np.zeros((0, 0))
    Q[system.order[stage.independent], int(first) :] = root
    if first:
        Q[_constant(system), 1:] = -(own.mean[at] @ root)
        Q[_constant(system), 0] = 1.0 / np.sqrt(own.weight)
    return Basis(system, endogenous, Q, back)


def _constant(system: IvSystem) -> int:
    """Position of the constant among the joint columns."""
    constant = system.parametrization.constant
    assert constant is not None
    return constant


@dataclass(frozen=True, slots=True)
class Combinations:
    """What the rows of a pass at the solution are made of, as combinations of stored columns, (q, ...) each.

    Attributes
    ----------
    instruments : ndarray of shape (q, m)
        The orthonormal instruments, the excluded ones last.
    residuals : ndarray of shape (q, k + 1)
        Residuals of the endogenous columns and the outcome on all instruments; the outcome's less the residual of the
        model.
    regressors : ndarray of shape (q, k)
        Those residuals of the endogenous columns without what the regressors explain of them.
    slopes : ndarray of shape (k,)
        Coefficients of the endogenous columns in the regression of the outcome on regressors and first-stage residuals,
        plus those of these residuals.
    explained : ndarray of shape (L,)
        What the residual of two-stage least squares has of the excluded instruments.
    """

    instruments: Matrix
    residuals: Matrix
    regressors: Matrix
    slopes: Vector
    explained: Vector


def combinations_of(basis: Basis, within: Matrix, reduced: Matrix, coefficients: Vector) -> Combinations:
    """The combinations at a solution.

    Parameters
    ----------
    basis : Basis
        The orthonormal instruments.
    within, reduced
        As in `IvSolved`.
    coefficients : ndarray of shape (s,)
        Coefficients of the centred and scaled regressors.
    """
    stage, k = basis.system.stage, len(basis.endogenous)
    first = int(basis.has_constant)
    # the outcome is the model's residual plus the regressors times their coefficients
    size = basis.back[-1, -1]
    centred = np.column_stack([basis.back[:-1, :-1], coefficients * size])
    fitted = stage.T @ basis.back
    residuals = basis.columns(centred) - basis.Q[:, first:] @ fitted
    # with first-stage residuals among the regressors, the other coefficients are those of two-stage least squares
    unexplained = within[:k, :k] - reduced[:, :k].T @ reduced[:, :k]
    beta = endogenous_slopes(reduced)
    slopes = beta + solve_scaled(unexplained, within[:k, k] - reduced[:, :k].T @ reduced[:, k] - unexplained @ beta)
    included = fitted[: stage.included, :k]
    own = basis.columns(basis.back[:-1, :-1]) - basis.Q[:, first : first + stage.included] @ included
    regressors = residuals[:, :k] - own @ solve_scaled(within[:k, :k], unexplained)
    return Combinations(
        basis.stored(basis.Q),
        basis.stored(residuals),
        basis.stored(regressors),
        slopes,
        reduced[:, k] - reduced[:, :k] @ beta,
    )


def endogenous_slopes(reduced: Matrix) -> Vector:
    """Coefficients (k,) of the endogenous columns by two-stage least squares. reduced : as in `IvSolved`."""
    k = reduced.shape[1] - 1
    return solve_scaled(reduced[:, :k].T @ reduced[:, :k], reduced[:, :k].T @ reduced[:, k])


def solve_scaled(A: Matrix, b: Matrix | Vector) -> Matrix:
    """A^-1 b, in units in which the diagonal of A is one; by least squares where A is singular."""
    scale = 1.0 / np.sqrt(np.where(A.diagonal() > 0, A.diagonal(), 1.0))
    right = (scale * b.T).T
    return np.asarray((scale * np.linalg.lstsq(A * scale[:, None] * scale, right, rcond=None)[0].T).T)
