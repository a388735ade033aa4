"""Poisson regressions of pyfixest with separated rows, written to pyfixest_separation.json beside this script.

python tests/reference/pyfixest_separation.py        (needs pyfixest; the tests need the JSON only)
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
FORMULAS = {
    "one regressor": "y ~ x + s | firm",
    "a combination of regressors": "y ~ x + z + t | firm",
    "a combination with levels": "y ~ x + u | firm + year",
    "levels, then a regressor": "y ~ x + q | firm",
}


def rows() -> dict[str, list[Any]]:
    """Counts of twelve firms; firm 11 has no event, and several columns move rows without events alone."""
    rng = np.random.default_rng(5)
    n = 120
    firm, year = rng.integers(0, 12, n), rng.integers(0, 4, n)
    x, z = np.round(rng.normal(size=(2, n)), 2)
    y = rng.poisson(np.exp(0.4 * x - 0.1 * z + 0.1 * (firm % 4))) * (firm != 11)
    none = y == 0
    first, second = none & (rng.uniform(size=n) < 0.3), none & (rng.uniform(size=n) < 0.3)
    columns = {
        "y": y,
        "x": x,
        "z": z,
        "firm": firm,
        "year": year,
        "s": first * rng.integers(1, 4, n),
        "t": first + 2 * x - z,
        "u": np.round(first * rng.uniform(0.5, 2.0, n), 2) + np.array([0, 1, -2, 3])[year] + firm,
        "v": second - 5 * first,
        "q": 3 * (firm == 11) - (first & (firm != 11)),
        "w": rng.integers(1, 5, n),
    }
    return {name: values.tolist() for name, values in columns.items()}


def main() -> None:
    """Write the values."""
    import pandas as pd
    from pyfixest import fepois

    data, cases = rows(), {}
    frame = pd.DataFrame(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, formula in FORMULAS.items():
            fit = fepois(
                formula,
                frame,
                vcov={"CRV1": "firm"},
                separation_check=["fe", "ir"],
                fixef_rm="none",
                fixef_tol=1e-13,
                iwls_tol=1e-13,
            )
            of_x = {"estimate": float(fit.coef()["x"]), "std_error": float(fit.se()["x"])}
            cases[name] = {"formula": formula, "rows": int(fit._N), **of_x}
    FILE.write_text(json.dumps({"data": data, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
