"""Several models of one formula, and multiple tests, against the values of pyfixest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gramian as gm

KNOWN = json.loads((Path(__file__).parent / "pyfixest_specifications.json").read_text())
# three decimals of data of size one: sums of 160 rows lose four of 16 digits, pyfixest's demeaning ends at 1e-13
RTOL = 1e-9


def frame() -> dict[str, object]:
    """The rows; missing numbers are NaN, missing texts null."""
    return {name: np.array(values, float) if name != "kind" else values for name, values in KNOWN["data"].items()}


@pytest.mark.parametrize("formula", list(KNOWN["fits"]))
def test_as_pyfixest(formula: str) -> None:
    fits = list(gm.ols(formula, frame()).values())
    wanted = list(KNOWN["fits"][formula])
    assert len(fits) == len(wanted)
    for fit in fits:  # the order of fits is another: pyfixest has absorbed factors first
        found = [
            case
            for case in wanted
            if case["rows"] == fit.rows and case["names"] == list(fit.names) and _same(fit, case)
        ]
        assert found, f"{fit.formula} is no fit of pyfixest's"
        wanted.remove(found[0])


def _same(fit: gm.LinearFit, case: dict[str, list[float]]) -> bool:
    """Whether coefficients and errors are those of a case."""
    pairs = ((fit.coefficients, case["coefficients"]), (fit.std_errors, case["std_errors"]))
    return all(np.allclose(ours, theirs, rtol=RTOL, atol=1e-12) for ours, theirs in pairs)


def test_the_full_sample_and_its_parts_as_pyfixest() -> None:
    fits = gm.ols("y1 ~ csw(a, b)", frame(), fsplit="kind")
    theirs = [KNOWN["fsplit"][i] for i in (0, 2, 4, 1, 3, 5)]  # by sample there, by right side here
    assert [fit.rows for fit in fits.values()] == [case["rows"] for case in theirs]
    assert all(_same(fit, case) for fit, case in zip(fits.values(), theirs, strict=True))


def test_multiple_tests_as_pyfixest() -> None:
    fits = gm.ols("c(y1, y2, y3) ~ a", frame(), vcov={"cluster": "f"}, like="fixest")
    tests = KNOWN["tests"]
    assert fits.adjust("a", "bonferroni").adjusted_p_values == pytest.approx(tests["bonferroni"], rel=1e-9)
    found = fits.adjust("a", "romano-wolf", draws=999)
    assert found.draws == 256
    # draws that are the sample itself and its mirror image tie with it; pyfixest leaves each to rounding
    assert np.abs(found.adjusted_p_values - tests["romano-wolf"]).max() <= 2 / 257 + 1e-12
