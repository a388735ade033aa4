"""Numerical linear algebra on stored columns: moments, solves, certificates. No data frames, formulas or statistics."""
