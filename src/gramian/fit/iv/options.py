"""What the user may ask of a fit with instruments."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.errors import OptionError, no_choice
from gramian.fit.iv.solution import TWO_STAGE
from gramian.keywords import ESTIMATORS


@dataclass(frozen=True, slots=True)
class IvOptions:
    """Options of a fit with instruments.

    Attributes
    ----------
    estimator : str
        One of `ESTIMATORS`.
    fuller : float
        Fuller's constant.
    """

    estimator: str = TWO_STAGE
    fuller: float = 1.0


def iv_options(estimator: str, fuller: float) -> IvOptions:
    """Checked options. Raises OptionError for other values."""
    if estimator not in ESTIMATORS:
        raise no_choice("estimator", estimator, ESTIMATORS)
    if isinstance(fuller, bool) or not isinstance(fuller, int | float) or not 0.0 < fuller < float("inf"):
        raise OptionError(f"fuller must be a positive number, found {fuller!r}")
    return IvOptions(estimator, float(fuller))
