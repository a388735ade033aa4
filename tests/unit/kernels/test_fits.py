"""Fits by every kernel and by NumPy alone: kernels agree to the last bit, NumPy within the certified digits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian
from gramian.kernels.library import available

FITS = """
import json, sys
import numpy as np
import gramian as gm

rng = np.random.default_rng(7)
n, p = 30_000, 30
X = rng.standard_normal((n, p)) + 3.0
y = X @ rng.standard_normal(p) + rng.standard_normal(n)
frame = {f"x{j}": X[:, j].copy() for j in range(p)}
frame |= {"y": y, "w": rng.random(n) + 0.5, "firm": rng.integers(0, 20, n)}
frame["hit"] = (y > np.median(y)).astype(float)
frame["count"] = rng.poisson(np.exp(0.1 * X[:, 0]))
columns = " + ".join(f"x{j}" for j in range(p))
found = {}
for threads in (1, 2, 3):
    local = gm.Local(threads=threads)
    fits = {
        "frame": gm.ols(f"y ~ {columns}", frame, engine=local),
        "matrix": gm.ols("y ~ X", {"y": y, "X": X}, engine=local),
        "weighted, a factor": gm.ols(f"y ~ factor(firm) * x0 + {columns}", frame, weights="w", engine=local),
        "refined": gm.ols("y ~ X", {"y": y, "X": X}, digits=15, engine=local),
        "refined, a factor": gm.ols("y ~ x0 + x1 + I(x2^2) + factor(firm)", frame, digits=15, engine=local),
        "a group": gm.ols("y ~ x0 + x1", frame, by="firm", engine=local)[3],
        "logistic": gm.glm("hit ~ x0 + x1 + x2", frame, family="binomial", engine=local),
        "probit": gm.glm("hit ~ x0 + I(x1^2)", frame, family="binomial", link="probit", engine=local),
        "poisson": gm.glm("count ~ x0 + x1 + offset(0.1 * x2)", frame, family="poisson", weights="w", engine=local),
        "logistic, a factor": gm.glm("hit ~ x0 * factor(firm) + x1", frame, family="binomial", engine=local),
        "poisson, absorbed": gm.glm("count ~ x0 + x1 | firm", frame, family="poisson", weights="w", engine=local),
    }
    for name, fit in fits.items():
        # a logistic fit stops where it is off by a hundred-millionth of a standard error
        values = [*fit.coefficients.tolist(), *fit.std_errors.tolist()]
        found.setdefault(name, []).append({"values": values, "digits": float(np.min(getattr(fit, "digits", 8.0)))})
json.dump(found, sys.stdout)
"""


def fitted(**environment: str) -> dict[str, list[dict[str, Any]]]:
    """By name: the fit on one, two and three threads."""
    settings = {k: v for k, v in os.environ.items() if not k.startswith("GRAMIAN_")}
    path = str(Path(gramian.__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FITS],
        env=settings | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)  # type: ignore[no-any-return]


def test_kernels_agree_to_the_last_bit_and_numpy_within_the_digits() -> None:
    if not available():
        pytest.skip("no kernels are compiled here")
    by_kernel = {
        name: fitted(GRAMIAN_KERNEL=name) for name in available() if name != "portable" or len(available()) < 2
    }
    first, *others = by_kernel.values()
    assert all(other == first for other in others), list(by_kernel)
    alone = fitted(GRAMIAN_PURE="1")
    for name, fits in first.items():
        assert fits[0] == fits[1] == fits[2], name
        assert alone[name][0] == alone[name][1] == alone[name][2], name
        mine, numpys = (np.array(f[0]["values"]) for f in (fits, alone[name]))
        errors = mine[len(mine) // 2 :]
        digits = min(fits[0]["digits"], alone[name][0]["digits"])
        difference = np.abs(mine - numpys)[: len(errors)]
        # digits are of coefficients in units of their standard errors; each of the two fits is off by so much
        assert (difference <= 2.0 * 10.0**-digits * errors + 2.0**-51 * np.abs(mine[: len(errors)])).all(), name


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_precise_residual_leaves_out_the_rows_that_the_first_pass_left_out(
    bad: float, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        for module in ("linalg.residuals.products", "fit.leastsquares.residuals"):
            monkeypatch.setattr(f"gramian.{module}.library", lambda: None)
    rng = np.random.default_rng(8)
    X = rng.standard_normal((60_000, 20))
    y = X.sum(axis=1) + rng.standard_normal(60_000)
    X[[5, 40_000], [3, 19]] = bad
    good = np.isfinite(X).all(axis=1)
    whole, without = (gramian.ols("y ~ X", {"X": A, "y": b}, digits=13) for A, b in ((X, y), (X[good], y[good])))
    assert whole.passes == without.passes == 2
    assert whole.rows == without.rows
    assert np.allclose(whole.coefficients, without.coefficients, rtol=1e-15)
