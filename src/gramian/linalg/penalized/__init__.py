"""Penalised fits on centred products: ridge, lasso and elastic-net paths, and nonnegative least squares."""
