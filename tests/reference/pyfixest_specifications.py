"""Multiple estimations and multiple tests of pyfixest, written to pyfixest_specifications.json beside this script.

python tests/reference/pyfixest_specifications.py        (needs pyfixest; the tests need the JSON only)
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
FORMULAS = {  # ours -> pyfixest's
    "c(y1, y2) ~ csw(a, b, c)": "y1 + y2 ~ csw(a, b, c)",
    "c(y1, y2) ~ a + sw0(b, c) | sw(f, f + g)": "y1 + y2 ~ a + sw0(b, c) | sw(f, f + g)",
    "y1 ~ mvsw(a, b, c)": "y1 ~ mvsw(a, b, c)",
    "y2 ~ csw0(a, b) | f": "y2 ~ csw0(a, b) | f",
}
FSPLIT = "y1 ~ csw(a, b)"


def rows() -> dict[str, list[Any]]:
    """Three regressors and two outcomes with values missing in rows of their own."""
    rng = np.random.default_rng(4)
    n = 160
    a, b, c, u = rng.normal(size=(4, n))
    f = rng.integers(0, 8, n)
    columns = {
        "y1": a + 0.5 * b + u + rng.normal(size=8)[f],
        "y2": 0.1 * a - c + u + rng.normal(size=n),
        "y3": 0.05 * a + rng.normal(size=n),
        "a": a,
        "b": b,
        "c": c,
    }
    told: dict[str, list[Any]] = {name: np.round(values, 3).tolist() for name, values in columns.items()}
    for name in ("y1", "y2", "b", "c"):
        told[name] = [None if gone else x for x, gone in zip(told[name], rng.random(n) < 0.1, strict=True)]
    kind = rng.choice(list("pq"), n).tolist()
    kind = [None if gone else x for x, gone in zip(kind, rng.random(n) < 0.05, strict=True)]
    return {**told, "f": f.tolist(), "g": rng.integers(0, 5, n).tolist(), "kind": kind}


def main() -> None:
    """Fit with pyfixest and write what came out."""
    import pandas as pd
    import pyfixest as pf

    warnings.simplefilter("ignore")
    data, found = rows(), {}
    frame = pd.DataFrame(data)

    def told(fits: Any) -> list[dict[str, Any]]:
        return [
            {
                "rows": int(fit._N),
                "names": list(fit._coefnames),
                "coefficients": np.ravel(fit.coef()).tolist(),
                "std_errors": np.ravel(fit.se()).tolist(),
            }
            for fit in (fits.to_list() if hasattr(fits, "to_list") else [fits])
        ]

    options: dict[str, Any] = {"vcov": "iid", "fixef_rm": "none", "fixef_tol": 1e-13}
    for ours, theirs in FORMULAS.items():
        found[ours] = told(pf.feols(theirs, frame, **options))
    split = told(pf.feols(FSPLIT, frame, fsplit="kind", **options))
    fits = pf.feols("y1 + y2 + y3 ~ a", frame, vcov={"CRV1": "f"}).to_list()
    # 256 patterns of signs of 8 clusters: all of them are taken
    romano_wolf = pf.rwolf(fits, "a", reps=999, seed=1).loc["RW Pr(>|t|)"].tolist()
    bonferroni = pf.bonferroni(fits, "a").loc["Bonferroni Pr(>|t|)"].tolist()
    tests = {"romano-wolf": romano_wolf, "bonferroni": bonferroni}
    out = {"pyfixest": pf.__version__, "data": data, "fits": found, "fsplit": split, "tests": tests}
    FILE.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
