"""Covariances of coefficients: heteroskedasticity-robust and clustered."""
