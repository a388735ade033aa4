"""Standard errors of pyfixest beside absorbed factors, written to pyfixest_values.json beside this script.

python tests/reference/pyfixest_values.py        (needs pyfixest; the tests need the JSON only)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
FORMULAS = ("y ~ x + z | firm", "y ~ x + z + g | firm", "y ~ x + z | firm + year", "y ~ x + g | firm + state")
CLUSTERS = (None, "firm", "state", "other", "firm + year", "other + firm", "state + year")


def rows() -> dict[str, list[Any]]:
    """An unbalanced panel; firms are nested in states, some have one row."""
    rng = np.random.default_rng(11)
    n = 120
    firm = np.minimum(rng.geometric(0.07, n), 30)
    x = rng.normal(5.0, 1.0, n) + 0.1 * firm
    z, g, year = rng.normal(size=n), rng.choice(list("abc"), n), rng.integers(2001, 2006, n)
    shock = rng.normal(size=31)[firm]
    y = 2.0 * x - z + 0.3 * firm + (g == "b") + shock * z + rng.normal(size=n)
    columns = {
        "y": np.round(y, 3),
        "x": np.round(x, 3),
        "z": np.round(z, 3),
        "w": np.round(rng.uniform(0.5, 2.0, n), 2),
        "g": g,
        "firm": firm,
        "year": year,
        "state": firm % 6,
        "other": rng.integers(0, 8, n),
    }
    return {name: values.tolist() for name, values in columns.items()}


def main() -> None:
    """Every formula with every way of clustering, with and without weights."""
    import pandas as pd
    import pyfixest

    data = rows()
    cases = []
    for formula in FORMULAS:
        for cluster in CLUSTERS:
            for weights in (None, "w"):
                vcov = "HC1" if cluster is None else {"CRV1": cluster}
                fit = pyfixest.feols(
                    formula, pd.DataFrame(data), vcov=vcov, weights=weights, fixef_rm="none", fixef_tol=1e-13
                )
                if (fit._vcov.diagonal() < 0.0).any():
                    continue  # pyfixest leaves such a matrix as it is, fixest and gramian raise its eigenvalues
                cases.append(
                    {
                        "formula": formula,
                        "cluster": cluster,
                        "weights": weights,
                        "coefficients": fit.coef().tolist(),
                        "std_errors": fit.se().tolist(),
                        "p_values": fit.pvalue().tolist(),
                    }
                )
    FILE.write_text(json.dumps({"pyfixest": pyfixest.__version__, "data": data, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
