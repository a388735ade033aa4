"""Compiled sums of products, used where they are there; without them NumPy does the same work."""
