"""Contrasts of factors: their matrices, and the maps between coefficients of different ones."""
