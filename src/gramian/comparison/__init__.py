"""Direct solution of the normal equations compared with gradient descent and other iterations, on the user's data."""

from gramian.comparison.result import Comparison
from gramian.comparison.run import compare
from gramian.comparison.sweep import Sweep, sweep

__all__ = ["Comparison", "Sweep", "compare", "sweep"]
