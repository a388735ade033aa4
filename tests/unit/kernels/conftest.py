"""The compiled libraries that this processor can run; the others are skipped, and pytest says so."""

from __future__ import annotations

import pytest

from gramian.kernels.library import Library, available, load

SETS = ("v4", "v3", "portable")


@pytest.fixture(params=SETS)
def compiled(request: pytest.FixtureRequest) -> Library:
    found = load(request.param) if request.param in available() else None
    if found is None:
        pytest.skip(f"{request.param}: not compiled here, or not of this processor")
    return found


@pytest.fixture
def reference() -> Library:
    """The portable library: its fused multiply-adds are those of the C library, its sums in no vector."""
    found = load("portable")
    if found is None:
        pytest.skip("no kernels are compiled here")
    return found
