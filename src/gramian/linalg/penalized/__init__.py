"""Penalised fits on centred products: ridge, lasso and elastic-net paths, and their errors on other rows."""
