"""Penalized paths and their cross-validation."""
