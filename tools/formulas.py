"""What is fitted: formulas with their options, and commands."""

from __future__ import annotations

from typing import Any

FORMULAS = (
    "y ~ 1", "y ~ 0 + x", "y ~ x", "y ~ x + z + f", "y ~ 0 + f + x", "y ~ f * x", "y ~ f:g + b", "y ~ (x + z + f)^2",
    "y ~ poly(z, 4)", "y ~ poly(x, 3, raw=True) + I(z^2)", "y ~ bs(z, 6) + f", "y ~ ns(x, 4)", "y ~ f / x",
    "log(size) ~ center(z) + scale(x)", 'y ~ C(f, ref="c") + C(g, contrast="sum")', "y ~ factor(year) + as_number(day)",
    "y ~ x + offset(o)", "y ~ x + I(2 * x) + f", "y ~ x + u + sqrt(u) + log1p(u)", "y ~ x | firm",
    "y ~ x + z | firm + year", "y ~ 1 | firm", "y ~ f:x | firm",
)  # fmt: skip
ONE, TWO = {"cluster": "firm"}, {"cluster": ["firm", "year"]}
VCOV = ("HC0", "HC1", "HC2", "HC3", ONE, {**ONE, "type": "CR0"}, {**ONE, "type": "CR3"}, TWO, {**TWO, "type": "CR0"})
LIKE = ("R", "statsmodels", "stata", "fixest")
GLMS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("hit ~ x + f", {"family": "binomial", "link": link}) for link in ("logit", "probit", "cloglog", "cauchit")),
    ("text ~ x * g", {}),
    ("hit ~ 1", {}),
    ("hit ~ x", {"weights": "w", "family": "quasibinomial"}),
    ("share ~ x + z", {"weights": "trials"}),
    ("hit ~ x + f", {"ridge": 2.0}),
    ("hit ~ x + f", {"ridge": 2.0, "drop_first": True}),
    ("hit ~ bs(z, 4) + poly(x, 2)", {"tolerance": 1e-12}),
    *(("hit ~ x + f", {"vcov": vcov}) for vcov in ("HC0", "HC1", "HC3", ONE, TWO)),
    *(("count ~ x", {"family": "poisson", "vcov": ONE, "like": like}) for like in LIKE),
    *(("count ~ x + f", {"family": "poisson", "link": link}) for link in ("log", "sqrt")),
    ("count ~ 1", {"family": "poisson", "offset": "o"}),
    ("count ~ x + log(u)", {"family": "poisson", "offset": "o", "weights": "w"}),
    ("count ~ x", {"family": "quasipoisson"}),
    ("count ~ x + f", {"family": "negative_binomial"}),
    ("count ~ x", {"family": "negative_binomial", "theta": 2.0}),
    *(("size ~ x + g", {"family": "gamma", "link": link}) for link in ("inverse", "log")),
    ("size ~ x", {"family": "inverse_gaussian", "link": "log"}),
    ("y ~ x + f", {"family": "gaussian"}),
    ("y ~ 1", {"family": "gaussian"}),
    ("size ~ x + f", {"family": "quasi", "variance": "mu^2", "link": "log"}),
)
CURVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("y ~ top / (1 + exp(-rate * (x - mid)))", {"start": {"top": 2, "rate": 1, "mid": 0}}),
    ("y ~ logistic(x)", {}),
    ("y ~ gompertz(x)", {"weights": "w"}),
    ("decay ~ a * exp(-k * x) + c", {"start": {"a": 1, "k": 0.3, "c": 0}}),
    ("decay ~ a * exp(-k * x)", {"start": {"a": 1, "k": 0.6}, "bounds": {"k": (0.5, None)}}),
    ("decay ~ exponential(x)", {}),
)
COMMANDS = (
    'gram "y ~ x + z + f" rows.parquet --folds 4 -o folds.gram',
    'fit "y ~ x + z + f" rows.parquet --gram saved.gram --save saved.fit',
    'fit "y ~ x + f" rows.csv --vcov cluster:firm --format json',
    'fit "y ~ x" rows.parquet --by g --format csv',
    'fit "y ~ x" saved.gram --format latex',
    'fit "hit ~ x + f" rows.parquet --family binomial --format md',
    "predict saved.fit rows.csv --interval prediction",
    "path folds.gram --format json",
    "cv folds.gram",
    "select folds.gram --criterion bic",
    'curve "decay ~ exponential(x)" growth.csv',
    'derive "y ~ x" small.csv',
    "inspect saved.fit saved.gram rows.parquet",
)
