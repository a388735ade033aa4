"""Iterative methods on quadratics, as textbooks write them."""
