"""Generalized linear models with absorbed factors, whose levels every step eliminates with the working weights."""
