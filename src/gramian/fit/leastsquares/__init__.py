"""Least squares from moments: normal equations, solution with certified digits, refinement, exact sums."""
