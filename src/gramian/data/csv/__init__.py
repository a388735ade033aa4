"""CSV files: their reader, types from a sample, errors with a line."""
