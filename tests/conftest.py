"""Shared settings: hypothesis never times a test (the machine may be busy) and draws the same examples each time."""

import os

from hypothesis import HealthCheck, settings

RANDOM = os.environ.get("GRAMIAN_RANDOM") == "1"  # other examples each time, to look for what the fixed ones miss
settings.register_profile(
    "gramian", deadline=None, derandomize=not RANDOM, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gramian")
