"""Levels that expressions make: intervals, cohorts."""
