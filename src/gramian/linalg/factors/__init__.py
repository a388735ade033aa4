"""Factors in the sums: levels, cells, tables of cell sums."""
