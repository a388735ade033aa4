"""Coefficients and standard errors of generalized linear models against statsmodels, every family with every link."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from findings import Finding, check
from numpy.random import Generator
from problems import Array, Sizes

import gramian as gm
from gramian.models.families import FAMILIES
from gramian.models.links import LINKS

ROWS = 2_000
THETA = 2.5
SLOPES = (0.35, 0.25, 0.15, 0.25)  # shares of the range of eta; the columns lie between 0 and 1
FORMULA = "y ~ a + b + g"
MOST_B, MOST_SE = 1e-8, 1e-6  # relative
UNCOMMON = "any, other links"
EXACT = {"tol": 1e-14, "tol_criterion": "params", "maxiter": 1000}
RANGES = {"proportion": (0.15, 0.7), "positive": (0.8, 4.0), "line": (0.8, 4.0)}  # means
VARIANTS = ("plain", "weights and offset")


@dataclass(frozen=True, slots=True)
class Difference:
    """Largest relative differences of one model. trouble : who does not fit it, and why.

    common : whether the link is one that statsmodels lists for the family.
    """

    family: str
    link: str
    variant: str
    common: bool
    coefficients: float = math.nan
    std_errors: float = math.nan
    trouble: str = ""

    @property
    def name(self) -> str:
        return f"{self.link}, {self.variant}"


def agreement(sizes: Sizes, rounds: int) -> Finding:
    """Largest differences in each family; bars are for common links."""
    found = [_compare(family, link, variant) for family, link in _pairs() for variant in VARIANTS]
    groups: dict[str, list[Difference]] = defaultdict(list)
    for one in found:
        groups[one.family if one.common else UNCOMMON].append(one)
    groups[UNCOMMON] = groups.pop(UNCOMMON)  # last
    common = [one for one in found if one.common]
    left_out = [one for one in common if one.trouble]
    b, se = (max(getattr(o, what) for o in common if not o.trouble) for what in ("coefficients", "std_errors"))
    return Finding(
        f"every family with every link against statsmodels: {len(found)} models of {ROWS:,} rows",
        ("family", "links", "models", "compared", "coefficients", "in", "standard errors", "in"),
        [_row(name, ones) for name, ones in groups.items()],
        [
            check("largest relative difference of a coefficient", f"{b:.1e}", f"at most {MOST_B:g}", b <= MOST_B),
            check("of a standard error", f"{se:.1e}", f"at most {MOST_SE:g}", se <= MOST_SE),
            check("models with a common link that one of the two does not fit", len(left_out), "none", not left_out),
        ],
        "\n".join(
            [
                "Bars are for links that statsmodels lists for the family.",
                *(f"{o.family}, {o.name}: {o.trouble}" for o in found if o.trouble),
            ]
        ),
        details={"models": [asdict(o) for o in found]},
    )


def _row(group: str, ones: list[Difference]) -> tuple[str, ...]:
    fine = [o for o in ones if not o.trouble]
    b, se = max(fine, key=lambda o: o.coefficients), max(fine, key=lambda o: o.std_errors)
    family = {name: f"{name}, " if group == UNCOMMON else "" for name in {b.family, se.family}}
    where = f"{family[b.family]}{b.name}", f"{family[se.family]}{se.name}"
    links, counts = str(len({o.link for o in ones})), (str(len(ones)), str(len(fine)))
    return group, links, *counts, f"{b.coefficients:.1e}", where[0], f"{se.std_errors:.1e}", where[1]


def _pairs() -> Iterator[tuple[str, str]]:
    yield from ((family, link) for family in (*FAMILIES, "negative_binomial") for link in LINKS)
    yield "negative_binomial, theta estimated", "log"


def _compare(family: str, link: str, variant: str) -> Difference:
    known, _, estimated = family.partition(", ")
    rng = np.random.default_rng(17)
    X, g = rng.random((ROWS, 2)), rng.integers(0, 3, ROWS)
    weights, offset = (None, None) if variant == "plain" else (_weights(known, rng), _offset(known, link, rng))
    full = np.column_stack([np.ones(ROWS), X, g == 1, g == 2]).astype(float)
    y = _outcomes(known, _means(known, link, full, offset), weights, rng)
    data = {"y": y, "a": X[:, 0], "b": X[:, 1], "g": [f"level {i}" for i in g]}
    options = {k: k for k, v in (("weights", weights), ("offset", offset)) if v is not None}
    data |= {k: v for k, v in (("weights", weights), ("offset", offset)) if v is not None}
    theta = THETA if known == "negative_binomial" and not estimated else None
    told = Difference(family, link, variant, _is_common(known, link))
    try:
        fit = gm.glm(FORMULA, data, family=known, link=link, theta=theta, **options)
    except gm.errors.GramianError as error:
        return replace(told, trouble=f"gramian: {error}")
    try:
        b, se = _statsmodels(known, link, y, full, weights, offset, fit.theta)
    except (ValueError, np.linalg.LinAlgError) as error:
        return replace(told, trouble=f"statsmodels: {error}")
    far = np.max(np.abs(fit.coefficients / b - 1.0)), np.max(np.abs(fit.std_errors / se - 1.0))
    return replace(told, coefficients=float(far[0]), std_errors=float(far[1]))


def _domain(family: str) -> str:
    return "positive" if family == "negative_binomial" else FAMILIES[family].variance_function.domain


def _weights(family: str, rng: Generator) -> Array:
    """Numbers of trials, or analytic weights."""
    if _domain(family) == "proportion":
        return rng.integers(1, 9, ROWS).astype(float)
    return rng.uniform(0.5, 2.0, ROWS)


def _range(family: str, link: str) -> tuple[float, float]:
    """Between which eta lies; a link between 0 and 1 has such means with every family."""
    low, high = RANGES["proportion" if link in ("logit", "probit", "cloglog", "cauchit") else _domain(family)]
    a, b = LINKS[link].link(np.array([low, high])).tolist()
    return min(a, b), max(a, b)


def _offset(family: str, link: str, rng: Generator) -> Array:
    low, high = _range(family, link)
    return 0.1 * (high - low) * rng.random(ROWS)


def _means(family: str, link: str, full: Array, offset: Array | None) -> Array:
    low, high = _range(family, link)
    eta = low + 0.9 * (high - low) * (full[:, 1:] @ np.array(SLOPES))
    return LINKS[link].inverse(eta if offset is None else eta + offset)


def _outcomes(family: str, mu: Array, weights: Array | None, rng: Generator) -> Array:
    w = np.ones(ROWS) if weights is None else weights
    if _domain(family) == "proportion":
        return rng.binomial(w.astype(int), mu) / w
    draw = {
        "gaussian": lambda: mu + rng.normal(0.0, 0.1, ROWS),
        "quasi": lambda: mu + rng.normal(0.0, 0.1, ROWS),
        "poisson": lambda: rng.poisson(mu),
        "quasipoisson": lambda: rng.negative_binomial(THETA, THETA / (THETA + mu)),
        "negative_binomial": lambda: rng.negative_binomial(THETA, THETA / (THETA + mu)),
        "gamma": lambda: rng.gamma(20.0, mu / 20.0),
        "inverse_gaussian": lambda: rng.wald(mu, 20.0 * mu),
    }
    return draw[family]().astype(float)


def _links() -> dict[str, Any]:
    """Links of statsmodels by their names here."""
    from statsmodels.genmod.families import links

    return {
        "identity": links.Identity,
        "log": links.Log,
        "logit": links.Logit,
        "probit": links.Probit,
        "cloglog": links.CLogLog,
        "cauchit": links.Cauchy,
        "inverse": links.InversePower,
        "inverse_squared": links.InverseSquared,
        "sqrt": links.Sqrt,
    }


def _families() -> dict[str, Any]:
    """Families of statsmodels by their names here."""
    from statsmodels.genmod import families

    return {
        "gaussian": families.Gaussian,
        "quasi": families.Gaussian,
        "binomial": families.Binomial,
        "quasibinomial": families.Binomial,
        "poisson": families.Poisson,
        "quasipoisson": families.Poisson,
        "gamma": families.Gamma,
        "inverse_gaussian": families.InverseGaussian,
        "negative_binomial": families.NegativeBinomial,
    }


def _is_common(family: str, link: str) -> bool:
    return _links()[link] in _families()[family].links


def _statsmodels(
    family: str, link: str, y: Array, full: Array, weights: Array | None, offset: Array | None, theta: float | None
) -> tuple[Array, Array]:
    import statsmodels.api as sm

    alpha = {} if theta is None else {"alpha": 1.0 / theta}
    law = _families()[family](_links()[link](), check_link=False, **alpha)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about links that are not common with a family
        model = sm.GLM(y, full, family=law, var_weights=weights, offset=offset)
        fit = model.fit(scale="X2" if family.startswith("quasi") else None, **EXACT)
    if not np.isfinite(fit.params).all() or np.isnan(fit.bse).any():
        raise ValueError("no finite answer")
    return fit.params, fit.bse
