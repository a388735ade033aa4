"""Tables with factors to absorb."""

from __future__ import annotations

import numpy as np


def table(rows: int = 400, seed: int = 1) -> dict[str, np.ndarray]:
    """Unbalanced levels, some of a single row; x depends on the firm, `size` is constant within firms."""
    rng = np.random.default_rng(seed)
    firm = np.sort(rng.geometric(0.06, rows))
    x = rng.normal(5.0, 1.0, rows) + 0.1 * firm
    group = rng.choice(list("abc"), rows)
    z = rng.normal(size=rows)
    return {
        "x": x,
        "z": z,
        "g": group,
        "firm": firm,
        "name": np.array([f"firm {f}" for f in firm]),
        "year": rng.integers(0, 7, rows),
        "place": rng.integers(0, 12, rows),
        "country": firm % 4,
        "size": firm * 2.0,
        "w": rng.uniform(0.5, 2.0, rows),
        "k": rng.integers(0, 4, rows),
        "y": 1.0 + 2.0 * x - z + 0.3 * firm + 2.0 * (group == "b") + rng.normal(size=rows),
    }
