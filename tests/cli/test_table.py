"""`gramian table`: saved fits side by side."""

from __future__ import annotations

import gramian as gm


def test_saved_fits_side_by_side(run, folder):
    first, second = gm.ols("y ~ x", str(folder / "data.parquet")), gm.ols("y ~ x + group", str(folder / "data.parquet"))
    first.save(folder / "a.fit")
    second.save(folder / "b.fit")
    done = run("table", "a.fit", "b.fit", "--rows", "x, group*", "--errors", "std_error", "--errors", "p_value")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{second['group[b]']:#.4g}***" in done.stdout
    assert "[ ]: p-values, iid" in done.stdout
    latex = run("table", "a.fit", "--format", "latex", "--no-stars").stdout
    assert f"x & ${first['x']:#.4g}$" in latex
    refused = run("table", "a.fit", "--rows", "w")
    assert refused.returncode == 2
    assert "rows: no fit has a coefficient 'w'" in refused.stderr
