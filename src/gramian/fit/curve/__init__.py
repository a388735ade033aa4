"""Nonlinear least squares by Gauss-Newton in a trust region."""
