"""Generalized linear models by iteratively reweighted least squares."""
