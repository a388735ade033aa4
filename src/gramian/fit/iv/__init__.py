"""Instrumental variables: two-stage least squares and its relatives, from the same sums as least squares."""
