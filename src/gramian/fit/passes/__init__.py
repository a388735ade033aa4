"""Passes over the rows: options, design, and the sums that are accumulated."""
