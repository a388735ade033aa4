"""Robust covariances beside absorbed factors: those of the fit with dummies, without the dummies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.formula.api as smf
from unit.fit.leastsquares.absorbed_tables import table

import gramian as gm
from gramian.errors import DataError, NumericalError, OptionError
from gramian.inference.vcov_spec import Vcov
from gramian.linalg.absorb import partial_out as absorb

# relative; elimination and scores of demeaned columns lose three of the 13 digits that sums of 400 rows have
CLOSE = 1e-9


def panel() -> dict[str, np.ndarray]:
    """Firms are nested in countries, and `other` cuts across."""
    return {**table(), "other": np.random.default_rng(3).integers(0, 9, 400)}


def without_singletons(factor: str = "firm") -> dict[str, np.ndarray]:
    data = panel()
    level, rows = np.unique(data[factor], return_counts=True)
    keep = np.isin(data[factor], level[rows > 3])
    return {name: values[keep] for name, values in data.items()}


def same(fit: gm.ols, dummies: gm.ols, share: float = 1.0) -> None:
    """Shared coefficients have the same covariance, but for a factor."""
    at = [dummies.names.index(name) for name in fit.names if name not in fit.aliased]
    own = [fit.names.index(name) for name in fit.names if name not in fit.aliased]
    mine, theirs = fit.vcov[np.ix_(own, own)], share * dummies.vcov[np.ix_(at, at)]
    scale = np.sqrt(theirs.diagonal())
    np.testing.assert_allclose(mine / scale / scale[:, None], theirs / scale / scale[:, None], atol=CLOSE)


CASES = [
    ("x + z", "firm", {}),
    ("x + z + g", "name", {"weights": "w"}),
    ("x * g", "firm", {"counts": "k"}),
    ("poly(x, 2) * g", "firm", {}),
    ("I(x^2)", "firm", {"weights": "w", "counts": "k"}),
    ("g:x + z + offset(w)", "year", {}),
    ("x + g * z", "firm + year", {"weights": "w"}),
    ("x + z + g", "firm + year + place", {"counts": "k"}),
]
VCOV = ["HC0", "HC1", {"cluster": "country"}, {"cluster": "other", "type": "CR0"}, {"cluster": ["other", "year"]}]


@pytest.mark.parametrize("vcov", VCOV, ids=str)
@pytest.mark.parametrize(("terms", "absorbed", "options"), CASES)
def test_as_with_dummies(terms: str, absorbed: str, options: dict[str, str], vcov: Vcov) -> None:
    """R's conventions count all levels, as it does dummies."""
    data = panel()
    dummies = " + ".join(f"factor({f})" for f in absorbed.split(" + "))
    fit = gm.ols(f"y ~ {terms} | {absorbed}", data, vcov=vcov, like="R", **options)
    full = gm.ols(f"y ~ {terms} + {dummies}", data, vcov=vcov, like="R", **options)
    same(fit, full)
    assert fit.covariance.df == full.covariance.df
    assert fit.solved.robust.factor == pytest.approx(full.solved.robust.factor, rel=1e-14)


@pytest.mark.parametrize("direct", [0, 1000])
def test_iteration_and_elimination_agree(direct: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = panel()
    full = gm.ols("y ~ x + z + g + factor(firm) + factor(year)", data, vcov={"cluster": "country"}, like="R")
    monkeypatch.setattr(absorb, "MAX_DIRECT_LEVELS", direct)
    same(gm.ols("y ~ x + z + g | firm + year", data, vcov={"cluster": "country"}, like="R"), full)


@pytest.mark.parametrize("kind", ["HC2", "HC3"])
@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"counts": "k"}])
@pytest.mark.parametrize("terms", ["x + z", "poly(x, 2) * g"])
def test_leverages_include_the_level(terms: str, options: dict[str, str], kind: str) -> None:
    data = without_singletons()
    if "counts" in options:
        data["k"] = data["k"] + 1
    fit = gm.ols(f"y ~ {terms} | firm", data, vcov=kind, **options)
    same(fit, gm.ols(f"y ~ {terms} + factor(firm)", data, vcov=kind, **options))


@pytest.mark.parametrize("how", ["HC0", "HC1", "HC2", "HC3", "cluster"])
def test_as_statsmodels_with_dummies(how: str) -> None:
    data = without_singletons()
    given = {"cov_kwds": {"groups": data["country"]}} if how == "cluster" else {}
    other = smf.ols("y ~ x + z + C(firm)", pd.DataFrame(data)).fit(cov_type=how, **given)
    fit = gm.ols("y ~ x + z | firm", data, vcov={"cluster": "country"} if how == "cluster" else how, like="statsmodels")
    np.testing.assert_allclose(fit.std_errors, [other.bse["x"], other.bse["z"]], rtol=CLOSE)
    np.testing.assert_allclose(fit.p_values, [other.pvalues["x"], other.pvalues["z"]], rtol=1e-6, atol=1e-300)


# coefficients x and z, and 58 firms, 7 years, 4 countries
COUNTED = [
    ("firm", "firm", None, 2 + 1),
    ("firm", "country", None, 2 + 1),
    ("firm", ["other", "country"], None, 2 + 1),
    ("firm", "other", None, 2 + 58),
    ("firm", "country", "R", 2 + 58),
    ("firm", "country", "statsmodels", 2 + 58),
    ("firm", "country", "stata", 2 + 1),
    ("firm + year", "firm", None, 2 + 6 + 1),
    ("firm + year", "year", None, 2 + 57 + 1),
    ("firm + year", ["firm", "year"], None, 2 + 1),
    ("firm + country", "country", None, 2 + 1),
    ("firm + country", "country", "fixest", 2 + 1),
    ("firm + country", "other", None, 2 + 58),
    ("firm + country", "other", "fixest", 2 + 58 + 3),
]


@pytest.mark.parametrize(("absorbed", "cluster", "like", "q"), COUNTED)
def test_nested_levels_are_not_counted(absorbed: str, cluster: str | list[str], like: str | None, q: int) -> None:
    data = panel()
    fit = gm.ols(f"y ~ x + z | {absorbed}", data, vcov={"cluster": cluster}, like=like)
    names = [cluster] if isinstance(cluster, str) else cluster
    groups = min(len(np.unique(data[name])) for name in names) if like is None else len(np.unique(data[names[0]]))
    factor = groups / (groups - 1) * (fit.rows - 1) / (fit.rows - q)
    assert fit.solved.robust.factor == pytest.approx(factor, rel=1e-14)


def test_levels_are_numbered_apart_from_clusters() -> None:
    """Text firms, clusters that are null in rows left out, levels that only these rows have."""
    data = panel()
    plain = gm.ols("y ~ x + z | firm", data, vcov={"cluster": "country"})
    more = {name: np.concatenate([values, values[:3]]) for name, values in data.items()}
    more["x"][400:] = [np.nan, np.inf, np.nan]
    more["name"][400:] = "elsewhere"
    frame = pa.table({**more, "country": pa.array([*data["country"].tolist(), None, 9, 9])})
    fit = gm.ols("y ~ x + z | name", frame, vcov={"cluster": "country"})
    np.testing.assert_allclose(fit.vcov, plain.vcov, rtol=CLOSE)
    assert fit.solved.robust.factor == plain.solved.robust.factor


@pytest.mark.parametrize("vcov", ["HC1", {"cluster": "country"}, {"cluster": ["name", "year"]}])
def test_files_cuts_threads_and_later(vcov: Vcov, tmp_path) -> None:
    frame = pa.table(panel())
    whole = gm.ols("y ~ x * g | firm + year", frame, vcov=vcov)
    assert whole.passes == 2
    pq.write_table(frame, tmp_path / "rows.parquet", row_group_size=37)
    cut = [frame.slice(0, 11), frame.slice(11, 0), frame.slice(11, 200), frame.slice(211)]
    fits = [gm.ols("y ~ x * g | firm + year", some, vcov=vcov, engine=gm.Local(threads=threads))
            for some in (cut, str(tmp_path / "rows.parquet")) for threads in (1, 3)]  # fmt: skip
    later = gm.ols("y ~ x * g | firm + year", frame)
    fits.append(later.with_vcov(vcov, frame))
    assert fits[-1].passes == later.passes + 2  # the sums over levels, then the scores
    for fit in fits:
        np.testing.assert_allclose(fit.vcov, whole.vcov, rtol=1e-10)  # the same sums in another order
        assert fit.covariance.description == whole.covariance.description
    np.testing.assert_array_equal(later.with_vcov("iid").vcov, later.vcov)
    assert fits[0].std_errors.tobytes() == fits[1].std_errors.tobytes()


def test_dependent_columns_do_not_matter() -> None:
    data = panel()
    data["shifted"] = 3.0 * data["x"] + data["size"]
    fit = gm.ols("y ~ x + size + z + shifted | firm", data, vcov={"cluster": "country"})
    same(fit, gm.ols("y ~ x + z | firm", data, vcov={"cluster": "country"}))


def test_predictions_and_files_stay_the_same(tmp_path) -> None:
    data = panel()
    plain, fit = gm.ols("y ~ x + g | firm", data), gm.ols("y ~ x + g | firm", data, vcov={"cluster": "firm"})
    np.testing.assert_array_equal(fit.predict(data), plain.predict(data))
    np.testing.assert_array_equal(fit.coefficients, plain.coefficients)
    assert fit.df_residual == plain.df_residual
    fit.save(tmp_path / "a.fit")
    np.testing.assert_array_equal(gm.load(tmp_path / "a.fit").vcov, fit.vcov)
    assert "CR1 by firm: 58 clusters" in fit.summary()


def test_what_is_refused() -> None:
    data = panel()
    with pytest.raises(OptionError, match=r"CR3 .* levels of year have rows in several clusters by country.* use CR1"):
        gm.ols("y ~ x | firm + year", data, vcov={"cluster": "country", "type": "CR3"})
    with pytest.raises(OptionError, match=r"HC3 needs leverages, .* factors, firm and year, .*: use HC1"):
        gm.ols("y ~ x | firm[z] + year", data).with_vcov("HC3", data)
    with pytest.raises(DataError, match=r"read once only, and CR1 by country beside absorbed factors needs a second"):
        gm.ols("y ~ x | firm", iter([pa.table(data)]), vcov={"cluster": "country"})
    with pytest.raises(NumericalError, match=r"rows with leverage 1: \d+; .*leave the rows that are alone in their"):
        gm.ols("y ~ x | firm", data, vcov="HC3")


def test_other_rows_are_refused() -> None:
    data = panel()
    fit = gm.ols("y ~ x | firm", data)
    for name, value in (("firm", data["firm"] + 1), ("y", data["y"][::-1])):
        with pytest.raises(DataError, match="these are not the rows of the fit"):
            fit.with_vcov("HC1", {**data, name: value})


def test_the_plan_says_so() -> None:
    data = panel()
    plan = gm.plan("y ~ x | firm", data, vcov={"cluster": "country"})
    assert plan.passes == 2
    assert "country" in plan.columns
    assert "the effects of the levels of firm on every column" in str(plan)
    assert "1 for the covariance" in str(plan)
    assert gm.plan("y ~ x | firm + year", data, vcov="HC2").passes == 2


def test_factors_are_eliminated_once_for_coefficients_and_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    from gramian.fit.leastsquares import absorbed
    from gramian.fit.vcov import within

    calls: list[int] = []

    def counted(*given: object) -> object:
        calls.append(1)
        return absorb.absorb(*given)  # type: ignore[arg-type]

    for module in (absorbed, within):
        monkeypatch.setattr(module, "absorb", counted)
    rng = np.random.default_rng(5)
    data = {name: rng.integers(0, 12, 400) for name in "fgh"} | {name: rng.standard_normal(400) for name in "xy"}
    fit = gm.ols("y ~ x | f + g + h", data, vcov={"cluster": "f"})
    assert len(calls) == 1
    again = gm.ols("y ~ x | f + g + h", data).with_vcov({"cluster": "f"}, data)
    assert fit.std_errors == pytest.approx(again.std_errors, rel=1e-12)
    data["c"] = rng.poisson(3.0, 400)
    fit = gm.glm("c ~ x | f + g", data, family="poisson", vcov={"cluster": "f"})
    again = gm.glm("c ~ x | f + g", data, family="poisson").with_vcov({"cluster": "f"}, data)
    assert fit.std_errors == pytest.approx(again.std_errors, rel=1e-9)
