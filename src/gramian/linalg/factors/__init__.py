"""Factors in the moments: levels, cells and tables of cell sums."""
