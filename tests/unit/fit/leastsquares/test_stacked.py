"""Fits that are made together have the numbers of fits made one by one: coefficients, inverses, bounds and digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian.errors import AccuracyWarning, NotIdentifiedError
from gramian.fit.rolling import fit as rolling

RNG = np.random.default_rng(5)
N = 400
DATA = {
    "t": np.repeat(np.arange(20), 20),
    "x": RNG.normal(3.0, 1.0, N),
    "z": RNG.normal(1e3, 2.0, N),
    "w": RNG.uniform(0.5, 2.0, N),
}
DATA["v"] = np.where(DATA["t"] < 10, 2.0 * DATA["x"] + 1.0, RNG.normal(size=N))  # dependent in the first windows
DATA["y"] = 50.0 + DATA["x"] - 3.0 * DATA["z"] + RNG.normal(size=N)
DATA["exact"] = 2.0 * DATA["x"] - 1.0


def both(monkeypatch: pytest.MonkeyPatch, formula: str, data: dict[str, Any], **options: Any) -> tuple[Any, Any]:
    """Fits of windows that are made together, and the same one by one."""
    made: list[int] = []
    together = rolling.fits_of

    def counted(*arguments: Any) -> Any:
        out = together(*arguments)
        made.append(sum(fit is not None for fit in out))
        return out

    monkeypatch.setattr(rolling, "fits_of", counted)
    stacked = gm.rolling(formula, data, 5, on="t", **options)
    monkeypatch.setattr(rolling, "fits_of", lambda _code, sums, _options: [None] * len(sums))
    return (stacked, sum(made)), gm.rolling(formula, data, 5, on="t", **options)


@pytest.mark.filterwarnings("ignore:t = 4. float64 sums cannot tell whether v")
@pytest.mark.parametrize(
    ("formula", "together", "options"),
    [
        ("y ~ x + z", 16, {}),
        ("y ~ 0 + x + z", 0, {}),
        ("z ~ x", 16, {"weights": "w"}),
        ("y ~ x*z + I(z^2)", 16, {"digits": 0}),
        ("y ~ x + v", 10, {"digits": 0}),
        ("c(y, z) ~ log(x + 9)", 32, {}),
        ("exact ~ x", 16, {"digits": 0}),
        ("y ~ 1", 0, {}),
        ("I(y*1e-100) ~ I(x*1e100)", 16, {}),
    ],
)
def test_together_as_one_by_one(
    monkeypatch: pytest.MonkeyPatch, formula: str, together: int, options: dict[str, Any]
) -> None:
    (stacked, made), alone = both(monkeypatch, formula, DATA, **options)
    assert made == together
    assert list(stacked) == list(alone)
    for key, fit in stacked.items():
        same(fit.solved, alone[key].solved)


def same(one: Any, other: Any) -> None:
    """Compare all numbers; errors are those of the condition, the rest is relative to the rounding of a few sums."""
    rtol = 1e-13 * one.condition**2
    for name in ("coefficients", "inverse", "inverse_roots"):
        assert np.allclose(getattr(one, name), getattr(other, name), rtol=rtol, atol=0.0, equal_nan=True), name
    for name in ("names", "aliased", "rank", "rows", "intercept", "dropped_rows", "passes", "leverage", "mean", "tss"):
        assert getattr(one, name) == getattr(other, name), name
    assert np.array_equal(one.identified, other.identified)
    assert np.array_equal(one.first_moments, other.first_moments) if one.first_moments is not None else True
    assert one.condition == pytest.approx(other.condition, rel=rtol)
    assert abs(one.rss - other.rss) <= 1e-12 * one.tss
    bounds, others = one.solution.bounds, other.solution.bounds
    for name in ("sensitivity", "summed_norms", "centred_norms", "response_norm", "rounding_error", "rho"):
        assert np.allclose(getattr(bounds, name), getattr(others, name), rtol=max(rtol, 1e-9), atol=0.0), name
    # what the solve left is rounding itself
    assert bounds.backward_error == pytest.approx(others.backward_error, rel=0.5)
    for name in ("digits", "std_error_digits", "rss_digits"):
        ours, theirs = (np.asarray(getattr(fit.accuracy, name)) for fit in (one, other))
        assert np.allclose(ours, theirs, atol=0.3, equal_nan=True), name
    assert one.accuracy.reached == other.accuracy.reached


def test_what_one_window_lacks_is_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotIdentifiedError, match="t = 4: 1 column is a combination"):
        gm.rolling("y ~ x + v", DATA, 5, on="t", collinear="raise")
    with pytest.warns(AccuracyWarning, match="t = 4: certified digits"):
        gm.rolling("y ~ z", {**DATA, "z": DATA["z"] + 1e9 * (DATA["t"] == 2)}, 5, on="t", digits=15)
