"""Poisson regressions of pyfixest with absorbed factors, written to pyfixest_glm_values.json beside this script.

python tests/reference/pyfixest_glm_values.py        (needs pyfixest; the tests need the JSON only)
"""

from __future__ import annotations

import json
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
FORMULAS = ("y ~ x + z | firm", "y ~ x + z | firm + year")
OPTIONS: tuple[dict[str, str], ...] = ({}, {"weights": "w"}, {"offset": "o"}, {"weights": "w", "offset": "o"})
VCOV: tuple[Any, ...] = ("hetero", {"CRV1": "firm"}, {"CRV1": "state"}, {"CRV1": "firm + year"})


def rows() -> dict[str, list[Any]]:
    """A panel of counts; two firms have no event at all."""
    rng = np.random.default_rng(12)
    n = 300
    firm, year = rng.integers(0, 25, n), rng.integers(2001, 2006, n)
    x, z = np.round(rng.normal(0.0, 1.0, n) + 0.1 * (firm % 4), 3), np.round(rng.normal(size=n), 3)
    mean = np.exp(0.4 * x - 0.2 * z + 0.1 * (firm % 7) + 0.05 * (year - 2003)) * (firm % 12 != 11)
    columns = {"y": rng.poisson(mean), "x": x, "z": z, "firm": firm, "year": year, "state": firm % 6}
    columns |= {"w": 0.5 + (np.arange(n) % 7) / 4, "o": 0.1 * (np.arange(n) % 5)}
    return {name: values.tolist() for name, values in columns.items()}


def main() -> None:
    """Write the values."""
    import pandas as pd
    from pyfixest import fepois

    data, cases = rows(), []
    frame = pd.DataFrame(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for formula in FORMULAS:
            for vcov, options in [*product(VCOV, OPTIONS[:1]), *product(VCOV[:2], OPTIONS[1:])]:
                fit = fepois(formula, frame, vcov=vcov, fixef_rm="none", fixef_tol=1e-13, iwls_tol=1e-13, **options)
                case = {"formula": formula, "vcov": vcov, "options": options, "rows": int(fit._N)}
                cases.append(case | {"coefficients": fit.coef().tolist(), "std_errors": fit.se().tolist()})
    FILE.write_text(json.dumps({"data": data, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
