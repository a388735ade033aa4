"""sunab(): effects of cohorts are those of dummies made by hand, and averages have the errors of their combination."""

import pickle

import numpy as np
import pandas as pd
import pytest
from unit.plots.pictured import png

import gramian as gm
from gramian.errors import DataError, GramianError, OptionError

UNITS, TIMES = 60, 8
RNG = np.random.default_rng(8)
FIRM, T = np.repeat(np.arange(UNITS), TIMES), np.tile(np.arange(1, TIMES + 1), UNITS)
COHORT = RNG.choice([1, 3, 5, 6, 99], UNITS)[FIRM]  # 1 is always treated, 99 never
FRAME = pd.DataFrame({"firm": FIRM, "t": T, "cohort": COHORT, "x": RNG.normal(size=len(T))})
FRAME["y"] = RNG.normal(size=UNITS)[FIRM] + FRAME.x + (T >= COHORT) * (1 + 0.1 * (T - COHORT)) + RNG.normal(size=len(T))
FORMULA = "y ~ x + sunab(cohort, t) | firm + t"


def by_hand(refs=(-1,), never=(99,)):
    """The rows that enter with a column for each cohort and time since its treatment, and what these are."""
    rows = FRAME[FRAME.cohort > 1].copy()
    columns = {}
    for c in sorted({*rows.cohort} - {*never}):
        for e in sorted({*(rows.t - c)[rows.cohort == c]} - {*refs}):
            columns[f"d{c}_{e + 50}"] = (e, c)
            rows[f"d{c}_{e + 50}"] = ((rows.cohort == c) & (rows.t - c == e)).astype(float)
    return rows, columns


@pytest.mark.parametrize("vcov", ["iid", {"cluster": "firm"}])
def test_averages_over_cohorts_are_combinations_of_dummies(vcov, tmp_path):
    rows, columns = by_hand()
    known = gm.ols(f"y ~ x + {' + '.join(columns)} | firm + t", rows, vcov=vcov)
    fit = gm.ols(FORMULA, FRAME, vcov=vcov)
    assert fit.rows == len(rows)
    names = ["x", *(f"t[{e}]:cohort[{c}]" for e, c in columns.values())]
    np.testing.assert_allclose([fit[name] for name in names], known.coefficients, rtol=1e-9)
    fit.save(tmp_path / "fit")
    for which in (fit, gm.load(tmp_path / "fit")):
        for by, key in (("period", 0), ("cohort", 1), ("att", None)):
            effects = which.event_study(by)
            (levels,) = effects.labels.values()
            used = {n: v for n, v in columns.items() if by == "period" or v[0] >= 0}
            for level, estimate, error in zip(levels, effects.estimates, effects.std_errors, strict=True):
                mine = [rows[n].sum() * (key is None or used[n][key] == level) if n in used else 0 for n in known.names]
                a = np.array(mine) / sum(mine)
                assert estimate == pytest.approx(a @ known.coefficients, rel=1e-8)
                assert error == pytest.approx(np.sqrt(a @ known.vcov @ a), rel=1e-8)


@pytest.mark.parametrize(("family", "weights"), [(None, "w"), ("poisson", None), ("poisson", "w")])
def test_averages_have_the_weights_of_rows_in_every_family(family, weights, tmp_path):
    rng = np.random.default_rng(2)
    extra = {"w": rng.uniform(0.5, 2, len(FRAME)), "n": rng.poisson(np.exp(0.2 * FRAME.x + 0.3 * (T >= COHORT)))}
    data = FRAME.assign(**extra)
    data.loc[data.firm < 4, "n"] = 0  # firms without a finite effect: their rows do not enter a Poisson fit
    outcome, fitted = ("y", gm.ols) if family is None else ("n", gm.glm)
    options = {"weights": weights} | ({"family": family} if family else {})
    rows, columns = by_hand()
    rows = rows.join(data[["w", "n"]])
    if family:
        rows = rows[rows.groupby("firm").n.transform("sum") > 0]
    known = fitted(f"{outcome} ~ x + {' + '.join(columns)} | firm + t", rows, **options)
    data.to_parquet(tmp_path / "rows.parquet")
    fitted(FORMULA.replace("y", outcome, 1), tmp_path / "rows.parquet", **options).save(tmp_path / "fit")
    fit = gm.load(tmp_path / "fit")
    assert fit.rows == len(rows)
    w = np.ones(len(rows)) if weights is None else rows.w
    for by, key in (("period", 0), ("att", None)):
        effects = fit.event_study(by)
        (levels,) = effects.labels.values()
        used = {n: v for n, v in columns.items() if by == "period" or v[0] >= 0}
        for level, estimate, error in zip(levels, effects.estimates, effects.std_errors, strict=True):
            mine = [
                (w * rows[n]).sum() * (key is None or used[n][key] == level) if n in used else 0 for n in known.names
            ]
            a = np.array(mine) / sum(mine)
            assert estimate == pytest.approx(a @ known.coefficients, rel=1e-6, abs=1e-8)
            assert error == pytest.approx(np.sqrt(a @ known.vcov @ a), rel=1e-6)
    assert len(fit.iplot().axes) == 1


def test_other_references_and_predictions():
    rows, columns = by_hand(refs=(-1, -2), never=(99, 6))
    known = gm.ols(f"y ~ x + {' + '.join(columns)}", rows)
    fit = gm.ols("y ~ x + sunab(cohort, t, ref_c=6, ref_p=c(-1, -2))", FRAME)
    np.testing.assert_allclose(fit.predict(rows), known.predict(rows), rtol=1e-8, atol=1e-9)
    assert len(fit.names) == len(known.names)


def test_iplot_draws_the_averages():
    fit = gm.ols(FORMULA, FRAME)
    figure, effects = fit.iplot(), fit.event_study()
    dots, reference = figure.axes[0].get_lines()[1:3]
    np.testing.assert_array_equal(dots.get_xdata(), effects.labels["period"])
    np.testing.assert_array_equal(dots.get_ydata(), effects.estimates)
    assert reference.get_xdata().tolist() == [-1]
    assert figure.axes[0].get_xlabel() == "t since cohort"
    png(figure)


def test_what_sunab_refuses():
    treated = FRAME[FRAME.cohort < 99]
    with pytest.raises(DataError, match=r"none is left to compare with; name a reference, as in .* ref_c=6\)"):
        gm.ols(FORMULA, treated)
    assert gm.ols("y ~ sunab(cohort, t, ref_c=6) | firm + t", treated).rows
    with pytest.raises(GramianError, match="no row has the level '-30'"):
        gm.ols("y ~ sunab(cohort, t, ref_p=-30)", FRAME)
    with pytest.raises(DataError, match="can be read once only"):
        gm.ols(FORMULA, iter([FRAME]))
    general = gm.glm("z ~ sunab(cohort, t)", FRAME.assign(z=1 + FRAME.firm % 3), family="poisson")
    with pytest.raises(DataError, match=r"the fit has 384 rows, and of those that are read 383 are complete"):
        general.event_study(data=FRAME.assign(z=1 + FRAME.firm % 3)[FRAME.cohort > 1].iloc[1:])
    with pytest.raises(OptionError, match=r"event studies of sunab\(\) need rows: .* give the data"):
        pickle.loads(pickle.dumps(general)).event_study()
    with pytest.raises(OptionError, match=r"the formula has no sunab\(cohort, period\)"):
        gm.ols("y ~ x", FRAME).event_study()
