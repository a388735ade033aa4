"""NIST's linear regression sets: right digits of every coefficient and standard error, by default and as asked for."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import gramian as gm

FOLDER = Path(os.environ.get("GRAMIAN_NIST", Path(__file__).parents[3] / "shared" / "data" / "nist")) / "linear"
CERTIFIED = json.loads((FOLDER / "certified.json").read_text()) if FOLDER.is_dir() else {}

# Smallest number of right digits over the coefficients and over the standard errors that are not zero; recorded, so
# that they may not fall. 13.2 is where decimals end that were rounded to float64; the standard errors of Filip are
# limited by the squared condition of its columns in float64 sums.
FLOOR = {
    "Norris": (13.9, 13.9),
    "Pontius": (13.5, 13.7),
    "NoInt1": (14.9, 14.5),
    "NoInt2": (14.9, 14.5),
    "Filip": (14.1, 9.5),
    "Longley": (14.6, 12.5),
    "Wampler1": (14.9, None),
    "Wampler2": (13.1, None),
    "Wampler3": (14.9, 13.5),
    "Wampler4": (14.9, 13.5),
    "Wampler5": (14.9, 13.5),
}


def digits(found: np.ndarray, certified: list[str]) -> float:
    """Right digits, -log10 of the relative error, 15 at most."""
    pairs = [(Decimal(float(f)), Decimal(c)) for f, c in zip(found, certified, strict=True) if Decimal(c) != 0]
    errors = [float(abs(f - c) / abs(c)) for f, c in pairs]
    return min(15.0, -np.log10(max(errors))) if errors and max(errors) > 0 else 15.0


WANTED = {"default": (8.0, 4.0), "thirteen": (13.0, 9.0), "exact": (13.0, 12.5), "decimal": (14.99, 14.99)}
OPTIONS = {"default": {}, "thirteen": {"digits": 13}, "exact": {"exact": True}, "decimal": {"decimal": "exact"}}


@pytest.mark.skipif(not CERTIFIED, reason=f"NIST's sets are not in {FOLDER}; GRAMIAN_NIST names another folder")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", FLOOR)
def test_right_digits(name: str, options: str) -> None:
    known = CERTIFIED[name]
    fit = gm.ols(known["formula"], FOLDER / known["file"], **OPTIONS[options])
    coefficients, errors = WANTED[options]
    floor, error_floor = FLOOR[name]
    assert fit.aliased == {}
    assert digits(fit.coefficients, known["coefficients"]) >= max(coefficients, floor)
    if error_floor is not None:
        assert digits(fit.std_errors, known["std_errors"]) >= max(errors, error_floor)
