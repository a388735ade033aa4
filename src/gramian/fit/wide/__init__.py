"""Fits of wide and sparse data: by iteration, or in the dual form."""
