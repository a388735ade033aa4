"""Passes over the rows: options, design, and the sums that are accumulated; the same for every linear model."""
