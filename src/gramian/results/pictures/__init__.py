"""What to draw for which result: facts in, arrays for `plots` out."""

from gramian.fit.penalized.plot import cross_validation, path
from gramian.fit.selection.plot import selection
from gramian.results.pictures.comparisons import comparison
from gramian.results.pictures.derivations import derivation
from gramian.results.pictures.fits import curve, general, linear

__all__ = ["comparison", "cross_validation", "curve", "derivation", "general", "linear", "path", "selection"]
