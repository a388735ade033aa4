"""Warning for a fit to rows that came in parts and cannot be read again."""

from __future__ import annotations

import warnings

from gramian.errors import AccuracyWarning
from gramian.fit.leastsquares.solution import Solved


def warn_of_few_digits(fit: Solved, digits: float) -> None:
    """Warn with AccuracyWarning where fewer than `digits` decimal digits are certified."""
    accuracy = fit.accuracy
    if accuracy is None or accuracy.reached:
        return
    too_few_digits = f"{accuracy.fewest_digits:.1f} of the {digits:g} digits wanted are certified"
    undecided_rank = (
        f"float64 sums cannot tell whether {', '.join(accuracy.doubtful[:5])} depend on others exactly or only nearly"
    )
    reason = undecided_rank if accuracy.doubtful else too_few_digits
    warnings.warn(AccuracyWarning(f"{reason}; `fit` on all rows reads them again for more"), stacklevel=4)
