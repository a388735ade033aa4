"""Formulas of curves: from text to a program that computes values and derivatives."""
