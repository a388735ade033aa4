"""Variance components in the model's columns, with standard errors on the scales on which they are nearly normal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from gramian.fit.mixed.solution import RandomTerm
from gramian.fit.mixed.system import MixedSystem
from gramian.linalg.mixed.criterion import STEP, Factor
from gramian.linalg.mixed.information import Information
from gramian.linalg.mixed.stacked import Stacked
from gramian.typing import Matrix, Vector

AT_BOUND = 1e-6  # a variance of this share of the term's largest, or a correlation this near to one, is at its bound


def components(
    system: MixedSystem, factor: Factor, theta: Vector, log_variance: float, information: Information
) -> tuple[RandomTerm, ...]:
    """The terms of random effects, whose covariance is exp(log_variance) Lambda Lambda' in the scaled columns.

    theta : (m,) entries of Lambda.
    """
    parameters = np.append(theta, log_variance)
    out, start = [], 0
    for random, T in zip(system.random, system.effects_to_model(), strict=True):
        q = len(T)
        at = slice(start, start + q)
        covariance = partial(_covariance, factor, T, at)
        own = covariance(parameters).real
        J = _derivatives(covariance, parameters, own)
        errors = np.sqrt(np.maximum(np.einsum("ija,ab,ijb->ij", J, information.covariance, J), 0.0))
        out.append(RandomTerm(random.solved, own, *_at_bounds(own, errors, np.einsum("ij,ij->i", T, T))))
        start += q
    return tuple(out)


def _covariance(factor: Factor, T: Matrix, at: slice, x: Stacked) -> Stacked:
    """Covariance (q, q) of a term's effects. T : (q, q) to the model's columns. at : the term. x : (m + 1,)."""
    half = T @ factor.matrix(x[:-1])[at, at]
    return np.asarray(half @ half.T * np.exp(x[-1]))


def _derivatives(covariance: Callable[[Stacked], Stacked], parameters: Vector, own: Matrix) -> Stacked:
    """Derivatives (q, q, m + 1) of log standard deviations, on the diagonal, and of atanh of correlations."""
    J = np.zeros((*own.shape, len(parameters)))
    sd = np.sqrt(np.maximum(own.diagonal(), 0.0))
    with np.errstate(all="ignore"):
        r = own / sd / sd[:, None]
        for k in range(len(parameters)):
            moved = parameters.astype(np.complex128)
            moved[k] += 1j * STEP
            change = covariance(moved).imag / STEP
            log_sd = 0.5 * change.diagonal() / own.diagonal()
            correlation = change / sd / sd[:, None] - r * (log_sd + log_sd[:, None])
            J[:, :, k] = correlation / (1.0 - r * r)
            np.fill_diagonal(J[:, :, k], log_sd)
    return J


def _at_bounds(covariance: Matrix, errors: Matrix, unit: Vector) -> tuple[Vector, Matrix]:
    """Standard errors of log standard deviations and of atanh of correlations, NaN where these are at a bound.

    unit : (q,) variances that effects of size one in the scaled columns have in the model's.
    """
    variance = covariance.diagonal()
    zero = variance <= AT_BOUND * np.max(variance / unit) * unit
    with np.errstate(all="ignore"):
        r = covariance / np.sqrt(variance) / np.sqrt(variance)[:, None]
    bound = zero | zero[:, None] | (np.abs(r) > 1.0 - AT_BOUND)
    log_errors = np.where(zero, np.nan, errors.diagonal())
    atanh_errors = np.where(bound, np.nan, errors)
    np.fill_diagonal(atanh_errors, 0.0)
    return log_errors, atanh_errors
