"""Shared settings: hypothesis never times a test, for the machine may be busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("gramian", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gramian")
