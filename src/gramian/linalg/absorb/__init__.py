"""Absorbed factors: their levels are partialled out of the products of all other columns."""
