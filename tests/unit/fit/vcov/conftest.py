import pytest
from unit.fit.vcov.panel import panel


@pytest.fixture(scope="package")
def frame():
    return panel()
