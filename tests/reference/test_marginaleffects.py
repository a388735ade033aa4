"""Averages against the package marginaleffects, whose derivatives are differences, on predictions of the same fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gramian as gm

RNG = np.random.default_rng(12)
N = 150
DATA: dict[str, Any] = {"x": RNG.normal(3.0, 1.0, N), "z": RNG.uniform(1.0, 2.0, N), "g": RNG.choice(list("abc"), N)}
DATA["y"] = 1 + DATA["x"] - DATA["z"] + RNG.normal(size=N)
DATA["hit"] = (RNG.uniform(size=N) < 1 / (1 + np.exp(3 - DATA["x"]))) * 1.0
RTOL = 1e-5
ERRORS = 3e-4  # its errors are differences (by coefficients) of differences (by columns)
FITS = {
    "linear": lambda: gm.ols("y ~ x*g + I(x^2) + log(z)", DATA),
    "logistic": lambda: gm.glm("hit ~ x*g + log(z)", DATA, "binomial"),
}


@pytest.mark.parametrize("name", FITS)
def test_other_coefficients(name: str) -> None:
    fit = FITS[name]()
    assert_allclose(fit.predict(DATA, coefficients=fit.coefficients), fit.predict(DATA), rtol=1e-12)
    at = fit.names.index("x:g[b]")
    b = fit.coefficients.copy()
    b[at] += 0.5
    link = {"scale": "link"} if name == "logistic" else {}
    moved = fit.predict(DATA, coefficients=b, **link) - fit.predict(DATA, **link)
    assert_allclose(moved, 0.5 * DATA["x"] * (DATA["g"] == "b"), atol=1e-12)
    with pytest.raises(
        gm.errors.OptionError, match=r"coefficients are \d numbers, in the order of names; found \(1,\)"
    ):
        fit.predict(DATA, coefficients=b[:1])


def test_absorbed_effects_belong_to_the_estimates() -> None:
    fit = gm.ols("y ~ x | g", DATA)
    with pytest.raises(gm.errors.OptionError, match="no predictions with others"):
        fit.predict(DATA, coefficients=fit.coefficients)


def adapted(fit: Any) -> Any:
    """The fit as that package takes models of others: it asks for predictions with other coefficients."""
    pl = pytest.importorskip("polars")
    pytest.importorskip("marginaleffects")
    from marginaleffects.classes import ModelAbstract, ModelVault

    class Adapter(ModelAbstract):  # type: ignore[misc]
        def validation(self) -> None:
            # its own check of types does not go with polars 2
            self.vault.variables_type = {
                "x": "numeric",
                "z": "numeric",
                "g": "character",
                "y": "numeric",
                "hit": "numeric",
            }

        def get_exog(self, newdata: Any) -> Any:
            return newdata

        def get_predict(self, params: Any, newdata: Any) -> Any:
            estimate = self.model.predict(newdata, coefficients=params)
            rowid = pl.Series(range(len(estimate)), dtype=pl.Int32)
            return pl.DataFrame({"rowid": rowid, "estimate": estimate})

    frame = pl.DataFrame(DATA).with_columns(pl.col("g").cast(pl.Enum(["a", "b", "c"])))
    vault = ModelVault(
        coef=np.array(fit.coefficients),
        coefnames=np.array(fit.names),
        vcov=np.array(fit.vcov),
        modeldata=frame,
        variable_names=[fit.formula.partition(" ")[0], "x", "g", "z"],
    )
    return Adapter(fit, vault)


@pytest.mark.parametrize("name", FITS)
def test_averages(name: str) -> None:
    fit = FITS[name]()
    model = adapted(fit)
    import marginaleffects as me

    def agrees(found: Any, known: Any) -> None:
        assert_allclose(np.sort(found.estimates), np.sort(known["estimate"].to_numpy()), rtol=RTOL)
        assert_allclose(np.sort(found.std_errors), np.sort(known["std_error"].to_numpy()), rtol=ERRORS)

    # factors as `variables` do not go with polars 2 there
    agrees(fit.slopes(["x", "z"]), me.avg_slopes(model, variables=["x", "z"]))
    # a step there goes half a step to both sides
    agrees(fit.comparisons({"x": (2, 4)}), me.avg_comparisons(model, variables={"x": [2, 4]}))
    agrees(fit.predictions({"x": [2.0, 4.0]}), me.avg_predictions(model, variables={"x": [2.0, 4.0]}, by="x"))
