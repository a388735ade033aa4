"""Panels: sums within groups of rows, and what follows from them: between and random effects, Hausman's test."""
