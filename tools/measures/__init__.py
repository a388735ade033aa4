"""Measures of the source, one file per kind."""
