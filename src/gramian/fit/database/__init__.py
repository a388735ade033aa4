"""The pass of least squares as queries: sums that a database makes, in the place of rows that it hands over."""
