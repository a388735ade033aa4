"""Residuals X v and their products X'Wr in higher precision than float64."""
