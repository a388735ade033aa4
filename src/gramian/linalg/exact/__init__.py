"""Exact sums of products on integers, and the solve from them."""
