"""Data sources: tables of any supported kind, read as batches of addressable units."""
