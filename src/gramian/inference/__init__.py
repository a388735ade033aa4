"""Inference: covariances, tests, intervals and criteria, as functions of arrays."""
