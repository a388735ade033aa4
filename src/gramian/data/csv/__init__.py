"""CSV files: reader, column types from a sample, and errors that name the line."""
