import pytest
from unit.robust.panel import panel


@pytest.fixture(scope="package")
def frame():
    return panel()
