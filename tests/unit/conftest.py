import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def frame():
    rng = np.random.default_rng(0)
    n = 500
    d = pd.DataFrame(
        {
            "x": rng.uniform(5, 9, n),
            "z": rng.normal(100, 2, n),
            "f": rng.choice(list("abc"), n),
            "k": rng.integers(1, 5, n),
            "b": rng.integers(0, 2, n).astype(bool),
            "w": rng.uniform(0.2, 3, n),
            "n": rng.integers(1, 6, n),
        }
    )
    d["y"] = 3 + 2 * d.x + 0.1 * d.z + (d.f == "b") * 1.5 * d.x + d.k * 0.3 + rng.normal(size=n)
    return d
