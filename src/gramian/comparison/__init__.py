"""The normal equation beside gradient descent and friends, on the user's own data."""

from gramian.comparison.result import Comparison
from gramian.comparison.run import compare
from gramian.comparison.sweep import Sweep, sweep

__all__ = ["Comparison", "Sweep", "compare", "sweep"]
