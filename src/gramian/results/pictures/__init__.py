"""What to draw for which result: facts in, arrays for `plots` out."""

from gramian.results.pictures.comparisons import comparison
from gramian.results.pictures.derivations import derivation
from gramian.results.pictures.fits import curve, general, linear
from gramian.results.pictures.paths import cross_validation, path

__all__ = ["comparison", "cross_validation", "curve", "derivation", "general", "linear", "path"]
