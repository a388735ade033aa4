"""Digits of coefficients and standard errors from bounds of their errors, of one fit or of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gramian.linalg.certificate import EPS, digits
from gramian.typing import Mask, Vector

NEGLIGIBLE = 1e-8  # share of its coefficient below which a standard error need not have the required digits


def required_std_error_digits(requested: float) -> float:
    """Digits that a standard error should have: half of those of coefficients, at most four."""
    return min(requested, 8.0) / 2.0


class Digits(NamedTuple):
    """Digits of coefficients and standard errors (..., p), of the rss (...,), and whether both are enough (..., p)."""

    coefficients: Vector
    std_errors: Vector
    rss: Vector
    enough: Mask


@dataclass(frozen=True, slots=True)
class Quantities:
    """What digits are made of, for one fit or, with another axis before, for many.

    Attributes
    ----------
    coefficients, errors : (..., p)
        Coefficients, and bounds of their errors.
    inverse_roots, inverse_errors : (..., p)
        Roots of the diagonal of the inverse, and bounds of the relative errors of their squares.
    rss, rss_error, df_residual : (..., 1)
        Residual sum of squares, a bound of its error, and residual degrees of freedom.
    """

    coefficients: Vector
    errors: Vector
    inverse_roots: Vector
    inverse_errors: Vector
    rss: Vector
    rss_error: Vector
    df_residual: Vector

    @property
    def smallest_std_errors(self) -> Vector:
        """Lower bounds of the standard errors (..., p)."""
        variance = np.maximum(self.rss - self.rss_error, 0.0) / np.maximum(self.df_residual, 1.0)
        return np.asarray(np.sqrt(variance) * self.inverse_roots * np.sqrt(np.maximum(1.0 - self.inverse_errors, 0.0)))

    @property
    def largest_std_errors(self) -> Vector:
        """Upper bounds of the standard errors (..., p)."""
        variance = (self.rss + self.rss_error) / np.maximum(self.df_residual, 1.0)
        return np.asarray(np.sqrt(variance) * self.inverse_roots * np.sqrt(1.0 + self.inverse_errors))

    def digits(self, requested: float) -> Digits:
        """Certified digits. requested : digits that every coefficient should have."""
        sizes, p = np.abs(self.coefficients), self.coefficients.shape[-1]
        bound = 0.5 * self.inverse_errors + 0.5 * self.rss_error / self.rss + 4.0 * EPS
        size = np.fmax(sizes, np.where(self.df_residual > 0, self.smallest_std_errors, 0.0))
        # an upper bound, so that no standard error counts as negligible because of its own rounding errors
        negligible = self.largest_std_errors <= NEGLIGIBLE * sizes
        # all at once: each is a few numbers
        errors = (self.errors, np.where(np.isnan(bound), np.inf, bound), self.rss_error)
        every = digits(np.concatenate(errors, axis=-1), np.concatenate((size, np.ones(size.shape), self.rss), axis=-1))
        own, std_errors = every[..., :p], every[..., p:-1]
        enough = negligible | (std_errors >= required_std_error_digits(requested)) | (self.df_residual <= 0)
        return Digits(own, std_errors, every[..., -1:], (own >= requested) & enough)
