"""Columns at other times of the same panel."""
