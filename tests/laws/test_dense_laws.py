"""Random tables and formulas against dense columns, by every way to a fit: in one pass, refined, exact, from Grams."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from reference.dense import LONG, Column, Data, Dense, Factor, design, least_squares
from scipy.stats import t as student

import gramian as gm
from gramian.errors import AccuracyWarning, NumericalError
from gramian.fit.linear.result import LinearFit

SEEDS = range(60)
WORST = 1e4  # condition number up to which float64 sums of these tables keep the digits that are asked for here
SURE = 1e-6  # relative, of standard errors and sums of squares; of coefficients in standard errors
CERTAIN = 8.0  # certified digits below which a fit says itself that it is not to be relied on
Term = tuple[Column | Factor, ...]
WAYS: dict[str, Callable[..., LinearFit]] = {
    "ols": lambda f, t, **o: gm.ols(f, t, **o),
    "refined": lambda f, t, **o: gm.ols(f, t, digits=12, **o),
    "exact": lambda f, t, **o: gm.ols(f, t, exact=True, **o),
    "gram": lambda f, t, **o: gm.gram(f, t, **o).ols(),
    "exact gram": lambda f, t, **o: gm.gram(f, t, exact=True, **o).ols(),
    "sum": lambda f, t, **o: (gm.gram(f, t.slice(0, 20), **o) + gm.gram(f, t.slice(20), **o)).ols(),
    "small": lambda f, t, **o: gm.ols(f, t.to_batches(max_chunksize=7), **o),
}


def centred(known: Data, new: Data) -> np.ndarray:
    return new["x"].astype(LONG) - known["x"].astype(LONG).mean()


NUMBERS = (
    Column("x", lambda known, new: new["x"].astype(LONG)),
    Column("k", lambda known, new: new["k"].astype(LONG)),
    Column("c", lambda known, new: new["c"].astype(LONG)),
    Column("I(k^2)", lambda known, new: new["k"].astype(LONG) ** 2),
    Column("center(x)", centred),
    Column("poly(k, 2, raw=TRUE)", lambda known, new: np.stack([new["k"].astype(LONG) ** p for p in (1, 2)], 1)),
)
FACTORS = (
    Factor("f", "f"),
    Factor("g", "g"),
    Factor('C(f, contrast="sum")', "f", "sum"),
    Factor('C(g, contrast="helmert")', "g", "helmert"),
)


def table(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Numbers far from zero, c twice k and one, g within f or across it, rare levels."""
    rows = int(rng.integers(8, 60))
    f = rng.choice(list("abcd"), rows, p=rng.dirichlet(np.ones(4)))
    g = np.where((f == "a") | (f == "b"), "u", "v") if rng.random() < 0.3 else rng.choice(list("uvw"), rows)
    k = rng.integers(-3, 5, rows)
    return {
        "x": rng.choice([0.0, 30.0]) + rng.normal(size=rows),
        "k": k,
        "c": 2 * k + 1,
        "f": f,
        "g": g,
        "w": np.where(rng.random(rows) < 0.1, 0.0, rng.uniform(0.5, 2.0, rows)),
        "y": rng.choice([0.0, 1e5]) + rng.normal(size=rows) + (f == "a") + 0.3 * k,
    }


def formula(rng: np.random.Generator) -> tuple[list[Term], str, bool]:
    """Terms in the order of a formula, its text, whether it has a constant."""
    atoms, terms, text = list[Column | Factor](), list[Term](), list[str]()
    for _ in range(int(rng.integers(1, 4))):
        pair = [(NUMBERS, FACTORS)[int(rng.random() < 0.55)][int(rng.integers(4))] for _ in range(2)]
        joint = rng.choice(["", "*", ":", "/"])
        atoms += [a for a in pair[: 1 + bool(joint)] if a not in atoms]
        mains = {"": 1, "*": 2, ":": 0, "/": 1}[joint]
        wanted = [(a,) for a in pair[:mains]] + ([tuple(sorted(set(pair), key=atoms.index))] if joint else [])
        terms += [t for i, t in enumerate(wanted) if t not in terms and t not in wanted[:i]]
        text.append(f"{pair[0].label} {joint} {pair[1].label}" if joint else pair[0].label)
    intercept = bool(rng.random() < 0.75)
    return sorted(terms, key=len), "y ~ " + " + ".join(text) + ("" if intercept else " - 1"), intercept


@pytest.mark.parametrize("seed", SEEDS)
def test_every_way_leads_to_the_dense_fit(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    data = table(rng)
    terms, text, intercept = formula(rng)
    weighted = bool(rng.random() < 0.3)
    null = rng.random(len(data["y"])) < rng.choice([0.0, 0.1])
    used = ~null & (data["w"] > 0) if weighted else ~null
    known = {name: column[used] for name, column in data.items()}
    names, X = design(terms, known, known, intercept=intercept)
    w = known["w"] if weighted else np.ones(len(X))
    truth = least_squares(X, known["y"].astype(LONG), w.astype(LONG), intercept=intercept)
    if not names or truth.condition > WORST or len(X) <= len(truth.kept):
        pytest.skip("no residual degrees of freedom, or too badly conditioned to compare")
    arrow = pa.table({k: pa.array(v, mask=null if k == "y" else None) for k, v in data.items()})
    new = {name: rng.permutation(column)[:6] for name, column in known.items()}
    rows = design(terms, known, new, intercept=intercept)[1]
    options = {"weights": "w"} if weighted else {}
    compared: list[str] = []
    for way, fitted in WAYS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", AccuracyWarning)
                fit = fitted(text, arrow, **options)
        except NumericalError as error:
            if "these contrasts compare all combinations" not in str(error):
                raise
            pytest.skip("contrasts that compare all combinations of levels are refused where some have no rows")
        assert fit.names == tuple(names), way
        if np.nanmin(fit.digits) >= CERTAIN:
            compared.append(way)
            same_fit(fit, truth, len(X), way)
            same_predictions(fit, truth, rows, new, len(X), way)
    assert {"ols", "exact", "exact gram"} <= {*compared}  # what one pass lacks, these find
    fit.save(tmp_path / "fit")
    again = gm.load(tmp_path / "fit")
    assert isinstance(again, LinearFit)
    np.testing.assert_array_equal(again.predict(new), fit.predict(new))


def same_fit(fit: LinearFit, truth: Dense, rows: int, way: str) -> None:
    errors = np.full(len(fit.names), np.nan)
    freedom = rows - len(truth.kept)
    errors[truth.kept] = np.sqrt(truth.rss / freedom * truth.inverse.diagonal()).astype(float)
    assert (fit.rows, fit.rank) == (rows, len(truth.kept)), way
    off = np.abs(fit.coefficients - truth.coefficients.astype(float)) <= SURE * (errors + np.abs(fit.coefficients))
    assert (off | (np.isnan(errors) & np.isnan(fit.coefficients))).all(), way
    if truth.rss > SURE * truth.tss:
        np.testing.assert_allclose(fit.deviance, truth.rss, rtol=SURE, err_msg=way)
        np.testing.assert_allclose(fit.std_errors, errors, rtol=SURE, err_msg=way)
        np.testing.assert_allclose(fit.r_squared, 1 - truth.rss / truth.tss, rtol=SURE, atol=SURE, err_msg=way)


def same_predictions(
    fit: LinearFit, truth: Dense, rows: np.ndarray, new: dict[str, np.ndarray], used: int, way: str
) -> None:
    """Of rows unlike those of the fit as well, where dependent columns differ and combinations of levels are new."""
    inner, freedom = rows[:, truth.kept], used - len(truth.kept)
    spread = np.sqrt(np.einsum("ij,jk,ik->i", inner, truth.inverse, inner) * truth.rss / freedom).astype(float)
    expected = (inner @ truth.coefficients[truth.kept]).astype(float)
    found = fit.predict(new, interval="confidence")
    fitted, high = found["fit"].to_numpy(), found["high"].to_numpy()
    room = SURE * (spread + 1e-4 * np.abs(expected))
    assert (np.abs(fitted - expected) <= room).all(), way
    if truth.rss > SURE * truth.tss:
        assert (np.abs(high - fitted - student.ppf(0.975, freedom) * spread) <= 3 * room).all(), way
