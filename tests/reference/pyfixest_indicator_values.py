"""Coefficients and errors of i() by pyfixest, written to pyfixest_indicator_values.json beside this script.

python tests/reference/pyfixest_indicator_values.py        (needs pyfixest; the tests need the JSON only)
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FILE = Path(__file__).with_suffix(".json")
FORMULAS = (
    "y ~ i(t, ref=0)",
    "y ~ i(t, treated, ref=-1)",
    "y ~ i(f, x)",
    "y ~ x + i(f, x, ref='b')",
    "y ~ i(t, f, ref=-1, ref2='a')",
    "y ~ i(t, treated, ref=-1) | firm",
    "y ~ i(t, treated, ref=-1) + x | firm + t",
)


def rows() -> dict[str, list[Any]]:
    """A small panel."""
    rng = np.random.default_rng(11)
    firm, t = np.repeat(np.arange(24), 6), np.tile(np.arange(-3, 3), 24)
    x, f = rng.integers(-9, 10, 144) / 4, rng.choice(list("abc"), 144)
    treated = (firm % 2).astype(int)
    y = np.round(x + treated * (t >= 0) + rng.normal(size=24)[firm] + rng.normal(size=144), 3)
    return {k: v.tolist() for k, v in {"y": y, "x": x, "f": f, "t": t, "firm": firm, "treated": treated}.items()}


def main() -> None:
    """Fit all formulas and write the file."""
    import pyfixest

    data, cases = rows(), {}
    for formula in FORMULAS:
        options = {"demeaner": pyfixest.MapDemeaner(fixef_tol=1e-13)} if "|" in formula else {}
        fit = pyfixest.feols(formula, pd.DataFrame(data), vcov="iid", **options)
        names = [re.sub(r"(\w+)::(-?\w+)", r"\1[\2]", name) for name in fit.coef().index]
        cases[formula] = {"names": names, "coefficients": fit.coef().tolist(), "std_errors": fit.se().tolist()}
    FILE.write_text(json.dumps({"pyfixest": pyfixest.__version__, "data": data, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
