"""A mixed model of one pass, beside MixedLM of statsmodels on a tenth of the groups, and lme4 where Rscript has it.

python benchmarks/mixed.py [--rows N] [--groups G] [--share S] [--slopes]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

import gramian as gm

ROUNDS = 3
LMER = """suppressMessages(library(lme4)); d <- read.csv("{}"); t <- system.time(m <- lmer({}, d))
cat(t[["user.self"]] + t[["sys.self"]], fixef(m), as.data.frame(VarCorr(m))$vcov)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("rows", 1_000_000), ("groups", 125_000), ("share", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--slopes", action="store_true", help="random slopes, too")
    given = parser.parse_args()
    data = made(given.rows, given.groups)
    formula, r_formula = ("y ~ x + (1 + x | firm)",) * 2 if given.slopes else ("y ~ x + (1 | firm)",) * 2

    times = []
    for _ in range(ROUNDS):
        begin = process_time()
        fit = gm.mixed(formula, data)
        times.append(process_time() - begin)
    ours = min(times)
    b, variance = fit.coefficients, np.array(fit.variance_components()["vcov"].to_pylist())
    print(f"{formula}, {given.groups:,} groups, {given.rows:,} rows: {ours:.2f} s of processor time, {b}, {variance}")

    few = data[data["firm"] < given.groups // given.share]
    begin = process_time()
    smf.mixedlm("y ~ x", few, groups=few["firm"], re_formula="~x" if given.slopes else None).fit()
    theirs = (process_time() - begin) * given.share
    print(f"MixedLM of statsmodels, {given.share} x a share of 1/{given.share}: {theirs:.1f} s, {theirs / ours:.0f} x")

    if shutil.which("Rscript") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        data.to_csv(path, index=False)
        done = subprocess.run(
            ["Rscript", "-e", LMER.format(path, r_formula)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        print("lme4: not there")
        return
    seconds, *values = map(float, done.stdout.split())
    off = np.abs(np.array(values) / np.concatenate([b, variance]) - 1)
    print(f"lme4: {seconds:.1f} s, {seconds / ours:.1f} x")
    print(f"largest relative difference {off[:2].max():.0e} of coefficients, {off[2:].max():.0e} of variances")


def made(rows: int, groups: int) -> pd.DataFrame:
    """Rows in groups of several sizes, in any order."""
    rng = np.random.default_rng(1)
    firm, x = rng.integers(0, groups, rows), rng.standard_normal(rows)
    level, slope = 0.7 * rng.standard_normal(groups), 0.3 * rng.standard_normal(groups)
    y = 1 + 2 * x + level[firm] + slope[firm] * x + rng.standard_normal(rows)
    return pd.DataFrame({"y": y, "x": x, "firm": firm})


if __name__ == "__main__":
    main()
