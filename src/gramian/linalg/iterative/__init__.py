"""Iterative methods on quadratics in their textbook form."""
