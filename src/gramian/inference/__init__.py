"""Covariances, tests and intervals: functions of arrays."""
