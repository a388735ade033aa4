"""NIST's linear regression sets: right digits of every coefficient and standard error from one pass in float64."""

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
# that they may not fall. Filip and the Wamplers are limited by the squared condition of their columns in float64.
FLOOR = {
    "Norris": (13.0, 10.0),
    "Pontius": (12.3, 9.3),
    "NoInt1": (14.5, 14.0),
    "NoInt2": (14.5, 14.0),
    "Filip": (9.5, 10.5),
    "Longley": (11.7, 12.3),
    "Wampler1": (7.5, None),
    "Wampler2": (10.3, None),
    "Wampler3": (7.5, 10.5),
    "Wampler4": (7.5, 13.5),
    "Wampler5": (7.5, 13.5),
}


def digits(found: np.ndarray, certified: list[str]) -> float:
    """Right digits, -log10 of the relative error, 15 at most."""
    pairs = [(Decimal(float(f)), Decimal(c)) for f, c in zip(found, certified, strict=True) if Decimal(c) != 0]
    errors = [float(abs(f - c) / abs(c)) for f, c in pairs]
    return min(15.0, -np.log10(max(errors))) if errors and max(errors) > 0 else 15.0


@pytest.mark.skipif(not CERTIFIED, reason=f"NIST's sets are not in {FOLDER}; GRAMIAN_NIST names another folder")
@pytest.mark.parametrize("name", FLOOR)
def test_right_digits(name: str) -> None:
    known = CERTIFIED[name]
    fit = gm.ols(known["formula"], FOLDER / known["file"])
    coefficients, errors = FLOOR[name]
    assert digits(fit.coefficients, known["coefficients"]) >= coefficients
    assert fit.aliased == {}
    if errors is not None:
        assert digits(fit.std_errors, known["std_errors"]) >= errors
