"""Exact arithmetic: sums of products without rounding, and solutions with proved digits."""
