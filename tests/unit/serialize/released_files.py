"""What files of every released version hold. Run as a script, it writes those of the version at hand, once.

A folder of a version that was released is never written again: the tests read it with everything that comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import gramian as gm

HERE = Path(__file__).parent
X = np.arange(1.0, 25.0)
Z = np.array([3.0, -1.0, 2.0, 0.5, 4.0, -2.0] * 4)
DATA = {
    "x": X,
    "z": Z,
    "f": list("aabbcc") * 4,
    "firm": [1, 2, 3, 4] * 6,
    "w": 1.0 + X % 3,
    "y": 2 * X - Z + X**2 / 16 + np.array([0.0, 1.0, -0.5] * 8),
    "n": np.array([0, 1, 1, 0, 2, 3] * 4),
}
MADE: Mapping[str, Callable[[], Any]] = {
    "plain.gram": lambda: gm.gram("y ~ x*f + poly(z, 2)", DATA),
    "folds.gram": lambda: gm.gram("y ~ x + z + f", DATA, folds=3, weights="w"),
    "groups.gram": lambda: gm.gram("c(y, x) ~ z", DATA, by="f"),
    "clusters.gram": lambda: gm.gram("y ~ x + z", DATA, cluster="firm"),
    "absorbed.gram": lambda: gm.gram("y ~ x + z | firm", DATA),
    "exact.gram": lambda: gm.gram("y ~ x + f", DATA, exact=True),
    "splines.gram": lambda: gm.gram("y ~ bs(x, 4) + z", DATA),
    "linear.fit": lambda: gm.ols("y ~ x*f + C(firm, contrast='sum')", DATA),
    "robust.fit": lambda: gm.ols("y ~ x + z | firm", DATA, vcov={"cluster": "f"}),
    "ridge.fit": lambda: gm.ridge("y ~ x + f", DATA, 2.0),
    "penalized.fit": lambda: gm.gram("y ~ x + z + f", DATA).path(penalties={"f": 0.5})[1],
    "glm.fit": lambda: gm.glm("n ~ x + z", DATA, "poisson"),
    "curve.fit": lambda: gm.curve("y ~ a + b * exp(k * x)", DATA, {"a": 0, "b": 1, "k": 0.05}),
    "wide.fit": lambda: gm.ols("y ~ x + z", DATA, solver="iterative"),
}


def write() -> None:
    """The files of this version."""
    major, minor, _ = gm.__version__.split(".")
    folder = HERE / f"version-{major}.{minor}"
    folder.mkdir(exist_ok=True)
    for name, made in MADE.items():
        made().save(folder / name)


if __name__ == "__main__":
    write()
