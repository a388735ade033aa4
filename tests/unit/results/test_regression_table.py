"""Tables of several fits: rows, cells and formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import gramian as gm
from gramian.errors import OptionError

RNG = np.random.default_rng(3)
N = 200
DATA: dict[str, Any] = {"x": RNG.normal(size=N), "z": RNG.normal(size=N), "g": RNG.choice(["a_1", "b & c", "d"], N)}
DATA["y"] = 1 + DATA["x"] + 0.1 * DATA["z"] + RNG.normal(size=N)
DATA["hit"] = (DATA["y"] > 1).astype(float)


@pytest.fixture(scope="module")
def fits() -> dict[str, Any]:
    return {
        "small": gm.ols("y ~ x", DATA),
        "factor": gm.ols("y ~ x + z + g", DATA),
        "absorbed": gm.ols("y ~ x + z | g", DATA),
        "logit": gm.glm("hit ~ x + z", DATA, "binomial"),
    }


def lines(table: Any) -> dict[str, tuple[str, ...]]:
    """Cells by label; those below a coefficient by its label and their number."""
    out: dict[str, tuple[str, ...]] = {}
    label, depth = "", 0
    for line in (*table.coefficients, *table.statistics):
        label, depth = (line.label, 0) if line.label else (label, depth + 1)
        out[f"{label}{'+' * depth}"] = line.cells
    return out


def test_cells_are_those_of_the_fits(fits: dict[str, Any]) -> None:
    table = gm.table(fits)
    cells = lines(table)
    assert list(cells)[-2:] == ["AIC", "BIC"]
    assert table.headings == ("small", "factor", "absorbed", "logit")
    assert table.outcomes == ("y", "y", "y", "hit")
    assert cells["x"][0] == f"{fits['small']['x']:#.4g}***"
    assert cells["x+"][3] == f"({fits['logit'].std_errors[1]:#.4g})"
    assert cells["z"][0] == ""
    assert cells["g (levels)"] == ("", "", "3", "")
    assert cells["rows"] == ("200",) * 4
    assert cells["R squared within"][:2] == ("", "")
    assert cells["pseudo R squared"][:3] == ("", "", "")
    assert table.notes == ("( ): standard errors, iid", "*** p < 0.001, ** p < 0.01, * p < 0.05")


def test_rows_are_chosen_and_named(fits: dict[str, Any]) -> None:
    table = gm.table(fits, rows={"z": "the z", "g[*": "", "x": ""}, stars=False, statistics=["rows"])
    assert [line.label for line in table.coefficients if line.label] == ["the z", "g[b & c]", "g[d]", "x"]
    assert not any("*" in cell for line in table.coefficients for cell in line.cells)
    with pytest.raises(OptionError, match=r"rows: no fit has a coefficient 'w'"):
        gm.table(fits, rows=["w"])


def test_several_errors_stand_below_each_other(fits: dict[str, Any]) -> None:
    fit = fits["factor"]
    table = gm.table([fit], vcov=["iid", "HC3"], errors=["std_error", "p_value"])
    cells = lines(table)
    assert cells["x+"] == (f"({fit.std_errors[1]:#.4g})",)
    assert cells["x+++"] == (f"{{{fit.with_vcov('HC3', DATA).std_errors[1]:#.4g}}}",)
    assert table.notes[2] == "{ }: standard errors, HC3"


def test_odds_ratios(fits: dict[str, Any]) -> None:
    fit = fits["logit"]
    cells = lines(gm.table([fit], exponentiate=True, errors="conf_int", stars=(0.01, 0.05, 0.1)))
    low, high = np.exp(fit.conf_int()[1])
    assert cells["x"] == (f"{np.exp(fit['x']):#.4g}***",)
    assert cells["x+"] == (f"({low:#.4g}, {high:#.4g})",)


def test_formats(fits: dict[str, Any], tmp_path: Path) -> None:
    table = gm.table(fits)
    text, markdown, latex, html = table.text(), table.markdown(), table.latex(), table.html()
    assert "g[b & c]" in text
    assert "| x | " in markdown
    assert r"\*\*\*" in markdown
    assert r"g{[}a\_1{]}" not in latex  # the reference level
    assert r"g{[}b \& c{]} &  & $" in latex
    assert latex.count(r"\\") == len(table.coefficients) + len(table.statistics) + 2 + len(table.notes)
    page = ElementTree.fromstring(html)
    assert len(page.findall(".//tbody/tr")) == 1 + len(table.coefficients) + len(table.statistics)
    for name in ("a.txt", "a.md", "a.tex", "a.html"):
        table.save(tmp_path / name)
    assert (tmp_path / "a.tex").read_text() == latex + "\n"
    with pytest.raises(OptionError, match=r"no format for '\.doc'"):
        table.save(tmp_path / "a.doc")
    assert str(table) == text
    assert repr(table) == "RegressionTable(4 fits, 10 rows)"


def test_grouped_fits_are_a_table() -> None:
    table = gm.table(gm.ols("y ~ x", DATA, by="g"))
    assert table.headings == ("a_1", "b & c", "d")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"errors": "se"}, "errors"),
        ({"statistics": ["r2"]}, "statistics"),
        ({"stars": (0.1, 0.05)}, r"stars takes rising limits of p-values, as in \(0.001, 0.01, 0.05\)"),
    ],
)
def test_messages(fits: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gm.table(fits, **options)


def test_other_things_are_refused() -> None:
    with pytest.raises(OptionError, match="a table takes fits, found str"):
        gm.table(["a"])
    with pytest.raises(OptionError, match="there are no fits to show"):
        gm.table([])


def test_the_protocol_of_maketables(fits: dict[str, Any]) -> None:
    fit = fits["absorbed"]
    frame = fit.__maketables_coef_table__
    assert frame.index.tolist() == ["x", "z"]
    assert frame["se"].tolist() == fit.std_errors.tolist()
    assert frame.columns.tolist() == ["b", "se", "t", "p", "ci95l", "ci95u"]
    assert fit.__maketables_stat__("r2_within") == fit.within_r_squared
    assert fit.__maketables_stat__("pseudo_r2") is None
    assert fit.__maketables_stat__("se_type") == "iid"
    assert fit.__maketables_depvar__ == "y"
    assert fit.__maketables_fixef_string__ == "g"
    assert fits["logit"].__maketables_default_stat_keys__ == ["N", "pseudo_r2"]


def test_maketables_accepts_fits(fits: dict[str, Any]) -> None:
    maketables = pytest.importorskip("maketables")
    latex = maketables.ETable(list(fits.values())).make(type="tex")
    assert f"{fits['small']['x']:.3f}***" in latex


def test_pseudo_r_squared(fits: dict[str, Any]) -> None:
    import statsmodels.api as sm

    X = sm.add_constant(np.column_stack([DATA["x"], DATA["z"]]))
    known = sm.GLM(DATA["hit"], X, sm.families.Binomial()).fit(tol=1e-14)
    found = fits["logit"].pseudo_r_squareds()
    np.testing.assert_allclose(found["mcfadden"], known.pseudo_rsquared("mcf"), rtol=1e-9)
    np.testing.assert_allclose(found["cox_snell"], known.pseudo_rsquared("cs"), rtol=1e-9)
    assert fits["logit"].pseudo_r_squared == found["mcfadden"]
