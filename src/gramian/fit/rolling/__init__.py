"""Linear fits in windows of time, from sums by period."""
