"""Formats of files that are asked for less often: ORC by stripes, JSON by lines."""
