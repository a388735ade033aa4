"""Bootstrap of linear fits from sums by cluster."""
