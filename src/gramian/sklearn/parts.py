"""What is said of a fit to rows that came in parts, which cannot be read again."""

from __future__ import annotations

import warnings

from gramian.errors import AccuracyWarning
from gramian.fit.solved import Solved


def warn_of_parts(fit: Solved, wanted: float) -> None:
    """Warn with AccuracyWarning where fewer digits are certified than are wanted."""
    known = fit.accuracy
    if known is None or known.reached:
        return
    least = f"{known.least:.1f} of the {wanted:g} digits wanted are certified"
    found = f"float64 sums cannot tell whether {', '.join(known.doubtful[:5])} depend on others exactly or only nearly"
    told = found if known.doubtful else least
    warnings.warn(AccuracyWarning(f"{told}; `fit` on all rows reads them again for more"), stacklevel=4)
