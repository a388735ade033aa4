"""Right digits on NIST's linear sets, beside those of others on the same data."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from inspect import signature
from math import inf, isfinite, log10
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from findings import Check, Finding, check
from machine import ROOT
from numpy.typing import NDArray

import gramian as gm

FOLDER = Path(os.environ.get("GRAMIAN_NIST") or ROOT / "../shared/data/nist").resolve() / "linear"
ALL = 15.0  # NIST's values have 15 digits
SINGULAR = "numpy and pinv cut off singular values, scikit-learn those below its default tol=1e-6 of the largest."
POLY = re.compile(r"poly\((\w+), (\d+), raw=True\)")
Array = NDArray[np.float64]


class Fitted(NamedTuple):
    """Coefficients and, where the method gives any, standard errors."""

    coefficients: Array
    std_errors: Array | None = None


class Columns(NamedTuple):
    """What others get: the constant, if there is one, and the columns, powers computed in float64."""

    X: Array
    y: Array
    intercept: bool


def numpy_lstsq(c: Columns) -> Fitted:
    return Fitted(np.linalg.lstsq(c.X, c.y)[0])


def scipy_qr(c: Columns) -> Fitted:
    from scipy.linalg import qr, solve_triangular

    Q, R = qr(c.X, mode="economic")
    return Fitted(np.asarray(solve_triangular(R, Q.T @ c.y)))


def scikit_learn(c: Columns) -> Fitted:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression(fit_intercept=c.intercept).fit(c.X[:, int(c.intercept) :], c.y)
    return Fitted(np.append([model.intercept_], model.coef_) if c.intercept else model.coef_)


def statsmodels(method: str) -> Callable[[Columns], Fitted]:
    def work(c: Columns) -> Fitted:
        from statsmodels.regression.linear_model import OLS

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns that it holds for dependent
            fit = OLS(c.y, c.X).fit(method=method)
        return Fitted(np.asarray(fit.params), np.asarray(fit.bse))

    return work


def textbook(c: Columns) -> Fitted:
    return Fitted(np.linalg.inv(c.X.T @ c.X) @ c.X.T @ c.y)


PEERS: dict[str, Callable[[Columns], Fitted]] = {
    "numpy `lstsq`": numpy_lstsq,
    "SciPy QR": scipy_qr,
    "scikit-learn `LinearRegression`": scikit_learn,
    "statsmodels `OLS`, pinv": statsmodels("pinv"),
    "statsmodels `OLS`, qr": statsmodels("qr"),
    "textbook `inv(X'X) @ X'y`": textbook,
}
OURS: dict[str, tuple[dict[str, Any], float, float]] = {  # options, least digits of coefficients and standard errors
    "gramian": ({}, 8.0, 0.0),
    "gramian, `digits=13`": ({"digits": 13}, 13.0, 9.0),
    "gramian, `exact=True`": ({"exact": True}, 13.0, 12.5),
    'gramian, `exact=True, decimal="exact"`': ({"exact": True, "decimal": "exact"}, 15.0, 15.0),
}


class Row(NamedTuple):
    """A method's digits by set: of the coefficients, of the standard errors that are not zero; trouble by set."""

    coefficients: dict[str, float]
    std_errors: dict[str, float]
    trouble: dict[str, str]


def peers() -> Finding:
    """Smallest number of right digits over the coefficients of a set, for everybody."""
    title = "right digits of the worst coefficient, NIST's linear sets"
    if not FOLDER.is_dir():
        return Finding(title, skipped=f"no folder {FOLDER}; GRAMIAN_NIST names the one with `linear` in it")
    known: Mapping[str, Any] = json.loads((FOLDER / "certified.json").read_text())
    found = {name: _row(known, lambda one, work=work: work(columns(one))) for name, work in PEERS.items()}  # type: ignore[misc]
    for name, (options, _, _) in OURS.items():
        found[name] = _row(known, lambda one, options=options: _ours(one, options))  # type: ignore[misc]
    return Finding(
        title,
        ("method", *known, "worst", "worst standard error"),
        [_told(name, row) for name, row in found.items()],
        [one for name, (_, b, se) in OURS.items() for one in _checks(name, found[name], b, se)],
        "\n".join(
            [f"{ALL:g} is all. {SINGULAR}", *(f"{n}: {why}" for n, row in found.items() for why in _troubles(row))]
        ),
        details={name: row._asdict() for name, row in found.items()},
    )


def markdown(found: Finding) -> str:
    """The table as it stands in the README, the longest in bold."""
    head, rule = found.columns, ["---", *["--:"] * (len(found.columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *found.rows))


def columns(known: Mapping[str, Any]) -> Columns:
    """What a formula says, in float64, as those do who have no formula."""
    with (FOLDER / known["file"]).open() as file:
        names = file.readline().strip().split(",")
        data = dict(zip(names, np.loadtxt(file, delimiter=",").T, strict=True))
    terms = [term.strip() for term in known["formula"].partition("~")[2].split(" + ")]
    out = [] if "0" in terms else [np.ones(len(data["y"]))]
    for term in terms:
        if match := POLY.fullmatch(term):
            out += [data[match[1]] ** k for k in range(1, int(match[2]) + 1)]
        elif term != "0":
            out.append(data[term])
    return Columns(np.stack(out, axis=1), data["y"], "0" not in terms)


def digits(found: Array, certified: list[str]) -> float:
    """Right digits of the worst that is not zero, from 0 to `ALL`."""
    pairs = [(float(f), Fraction(c)) for f, c in zip(found, certified, strict=True) if Fraction(c)]
    return max(0.0, min((_digits(f, c) for f, c in pairs), default=ALL))


def _digits(found: float, certified: Fraction) -> float:
    error = abs(Fraction(found) / certified - 1) if isfinite(found) else inf
    return ALL if not error else min(ALL, -log10(error)) if error < inf else 0.0


def _ours(known: Mapping[str, Any], options: Mapping[str, Any]) -> Fitted:
    missing = [name for name in options if name not in signature(gm.ols).parameters]
    if missing:
        raise NotImplementedError(f"gm.ols has no option {', '.join(missing)}")
    fit = gm.ols(known["formula"], FOLDER / known["file"], **options)
    return Fitted(fit.coefficients, fit.std_errors)


def _row(known: Mapping[str, Any], work: Callable[[Mapping[str, Any]], Fitted]) -> Row:
    row = Row({}, {}, {})
    for name, one in known.items():
        try:
            found = work(one)
        except (gm.errors.GramianError, NotImplementedError, np.linalg.LinAlgError) as error:
            row.trouble[name], row.coefficients[name] = str(error), 0.0
            continue
        row.coefficients[name] = digits(found.coefficients, one["coefficients"])
        if found.std_errors is not None:
            row.std_errors[name] = digits(found.std_errors, one["std_errors"])
    return row


def _told(name: str, row: Row) -> tuple[str, ...]:
    sets = (f"{d:.1f}" if s not in row.trouble else "-" for s, d in row.coefficients.items())
    worst = "-" if row.trouble else f"{min(row.coefficients.values()):.1f}"
    return name, *sets, worst, f"{min(row.std_errors.values()):.1f}" if row.std_errors else ""


def _checks(name: str, row: Row, least: float, least_error: float) -> list[Check]:
    b, se = min(row.coefficients.values()), min(row.std_errors.values(), default=0.0)
    out = [check(f"{name}: coefficients", f"{b:.2f}", f"at least {least:g}", b >= least)]
    if least_error:
        out.append(check(f"{name}: standard errors", f"{se:.2f}", f"at least {least_error:g}", se >= least_error))
    return out


def _troubles(row: Row) -> list[str]:
    return sorted(
        {f"{', '.join(s for s in row.trouble if row.trouble[s] == why)}: {why}" for why in row.trouble.values()}
    )
