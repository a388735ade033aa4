"""Problems with instruments, absorbed factors, both, and columns that depend on others; the truth is exact.

Offsets and levels lie up to 1e10 times the spread of a column away, instruments and endogenous columns nearly depend on
each other. Coefficients, standard errors of the model, and first stages as fits of their own are scored.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Any

import numpy as np
from findings import Finding, check
from numpy.random import Generator
from numpy.typing import NDArray

import gramian as gm
from gramian.errors import AccuracyWarning, NumericalError
from trial.scoring import CAP, ROUNDING, nearest, right_digits
from trial.truth import eliminate, root, whole

Array = NDArray[np.float64]
Data = dict[str, NDArray[Any]]
SEED, COUNT = 41_205, 500
WANTED = (8.0, 12.0, 15.0)


@dataclass(frozen=True, slots=True)
class Staged:
    """A problem of the trial.

    regressors, instruments : names of columns; without instruments it is least squares. absorbed : names of factors.
    """

    formula: str
    data: Data
    regressors: tuple[str, ...]
    instruments: tuple[str, ...] = ()
    absorbed: tuple[str, ...] = ()
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A problem's figures: certified and right digits of each; `refused` where there is no answer."""

    number: int
    family: str
    figures: tuple[tuple[float, float], ...]
    passes: int = 1
    refused: str = ""

    @property
    def slack(self) -> float:
        """The least right digits beyond those certified."""
        return min((min(max(right, 0.0), CAP) - certified for certified, right in self.figures), default=np.inf)


def _levels(rng: Generator, n: int) -> tuple[Array, Array]:
    """Two factors, and what their levels add to columns."""
    f, g = rng.integers(0, 4, n), rng.integers(0, 3, n)
    return f, g


def _raised(rng: Generator, x: Array, codes: Sequence[Array]) -> Array:
    """A column with means by level that lie apart by up to 1e10 times its spread."""
    for code in codes:
        if rng.random() < 0.7:
            x = x + rng.normal(size=int(code.max()) + 1)[code] * 10.0 ** rng.uniform(0, 10)
    return x


def _far(rng: Generator) -> float:
    """An offset up to 1e8, often none."""
    return float(10.0 ** rng.uniform(0, 8) * rng.choice([0, 1]))


def _parts(rng: Generator) -> tuple[Array, Array, Array, Array]:
    """Instruments (n, L), endogenous columns (n, k), an exogenous column and an outcome."""
    n, k = int(rng.integers(20, 60)), int(rng.integers(1, 3))
    L = k + int(rng.integers(0, 3))
    Z, w, u = rng.normal(size=(n, L)), rng.normal(size=n), rng.normal(size=(n, k + 1))
    if L > 1 and rng.random() < 0.6:
        Z[:, 1] = Z[:, 0] + 10.0 ** -rng.uniform(0, 6) * Z[:, 1]
    X = Z @ rng.normal(size=(L, k)) * 10.0 ** -rng.uniform(0, 3) + w[:, None] * rng.normal(size=k) + u[:, :k]
    if k > 1 and rng.random() < 0.3:
        X[:, 1] = X[:, 0] + 10.0 ** -rng.uniform(0, 5) * X[:, 1]
    y = X @ rng.normal(size=k) + w + u[:, k] + u[:, 0] / 2
    return Z + _far(rng), X + _far(rng), w, y + _far(rng)


def instruments(rng: Generator) -> Staged:
    """Two-stage least squares."""
    return _staged(*_parts(rng), start="" if rng.random() < 0.7 else "0 + ")


def dependent(rng: Generator) -> Staged:
    """Columns that are exactly combinations of others, among instruments, exogenous and endogenous columns."""
    Z, X, w, y = _parts(rng)
    Z, w = np.rint(64 * Z) / 64, np.rint(64 * w) / 64
    more = {"v": 2.0 * w + 3.0, "z9": Z[:, 0] - w}
    return _staged(Z, X, w, y, more=more, exogenous=("w", "v"), excluded=("z9",))


def absorbed(rng: Generator) -> Staged:
    """Least squares beside one or two absorbed factors."""
    _, X, w, y = _parts(rng)
    f, g = _levels(rng, len(y))
    codes = (f, g)[: 1 + int(rng.random() < 0.5)]
    names = ("f", "g")[: len(codes)]
    columns = {f"x{i}": _raised(rng, x, codes) for i, x in enumerate(X.T)} | {"w": w, "y": _raised(rng, y, codes)}
    weights = {"p": rng.uniform(0.5, 2.0, len(y))} if rng.random() < 0.3 else {}
    regressors = tuple(name for name in columns if name != "y")
    formula = f"y ~ {' + '.join(regressors)} | {' + '.join(names)}"
    data = {**columns, **weights, "f": f, "g": g}
    return Staged(formula, data, regressors, absorbed=names, weights="p" if weights else None)


def both(rng: Generator) -> Staged:
    """Two-stage least squares beside absorbed factors."""
    Z, X, w, y = _parts(rng)
    codes = _levels(rng, len(y))[: 1 + int(rng.random() < 0.5)]
    Z, X = (np.column_stack([_raised(rng, x, codes) for x in M.T]) for M in (Z, X))
    return _staged(Z, X, w, _raised(rng, y, codes), absorbed=dict(zip("fg", codes, strict=False)))


def _staged(
    Z: Array,
    X: Array,
    w: Array,
    y: Array,
    *,
    start: str = "",
    more: Data | None = None,
    exogenous: tuple[str, ...] = ("w",),
    excluded: tuple[str, ...] = (),
    absorbed: Data | None = None,
) -> Staged:
    """The problem of instruments Z and endogenous columns X."""
    columns = {f"z{i}": z for i, z in enumerate(Z.T)} | {f"x{i}": x for i, x in enumerate(X.T)}
    endogenous, outside = [n for n in columns if n[0] == "x"], [n for n in columns if n[0] == "z"] + [*excluded]
    levels = f" | {' + '.join(absorbed)}" if absorbed else ""
    instrumented = f"[{' + '.join(endogenous)} ~ {' + '.join(outside)}]"
    formula = f"y ~ {start}{' + '.join(exogenous)} + {instrumented}{levels}"
    if absorbed:
        formula = f"y ~ {' + '.join(exogenous)}{levels} | {' + '.join(endogenous)} ~ {' + '.join(outside)}"
    constant = () if start or absorbed else ("1",)
    data = {**columns, **(more or {}), **(absorbed or {}), "w": w, "y": y, "1": np.ones(len(y))}
    return Staged(
        formula,
        {name: np.ascontiguousarray(values) for name, values in data.items()},
        (*constant, *exogenous, *endogenous),
        (*constant, *exogenous, *outside),
        tuple(absorbed or ()),
    )


FAMILIES: tuple[Callable[[Generator], Staged], ...] = (instruments, dependent, absorbed, both)


def scored(number: int) -> Scored:
    """The problem of that number, and how far its certificate is from the truth."""
    rng, family = np.random.default_rng([SEED, number]), FAMILIES[number % len(FAMILIES)]
    problem, wanted = family(rng), WANTED[number // len(FAMILIES) % len(WANTED)]
    data = {name: values for name, values in problem.data.items() if name != "1"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        try:
            if problem.instruments:
                fit: Any = gm.iv(problem.formula, data, digits=wanted)
            else:
                fit = gm.ols(problem.formula, data, weights=problem.weights, digits=wanted)
        except NumericalError as error:
            return Scored(number, family.__name__, (), refused=type(error).__name__)
    figures = [*_figures(fit, problem, problem.regressors, problem.instruments, "y")]
    for name, first in (fit.first_stage if problem.instruments else {}).items():
        figures += _figures(first, problem, problem.instruments, (), name)
    return Scored(number, family.__name__, tuple(figures), fit.passes)


def _figures(
    fit: Any, problem: Staged, regressors: Sequence[str], instruments: Sequence[str], outcome: str
) -> Iterator[tuple[float, float]]:
    """Certified and right digits of the figures of a fit of which some are certified.

    Columns that the fit leaves out are left out of the truth, too: whether they depend is another trial's matter.
    """
    unused = getattr(fit, "unused_instruments", ())
    X = [name for name in regressors if name not in fit.aliased]
    Z = [name for name in instruments if name not in {*fit.aliased, *unused}]
    b, errors = exact(problem, X, Z, outcome)
    for name, value, error in zip(X, b, errors, strict=True):
        at = fit.names.index("Intercept" if name == "1" else name)
        size = max(abs(value), error or Fraction(0))
        yield _figure(fit.coefficients[at], value, size, fit.digits[at])
        if error:
            yield _figure(fit.std_errors[at], error, error, fit.std_error_digits[at])


def _figure(found: float, truth: Fraction, size: Fraction, certified: float) -> tuple[float, float]:
    """Certified digits, and right ones; all where the number is the nearest to the truth."""
    right = CAP if float(found) == nearest(truth) else right_digits(float(found), truth, size)
    return float(np.nan_to_num(certified)), right


def exact(
    problem: Staged, regressors: Sequence[str], instruments: Sequence[str], outcome: str
) -> tuple[list[Fraction], list[Fraction | None]]:
    """Coefficients and iid standard errors of the regressors, with dummies for absorbed factors.

    Of [Z'Z, Z'X; X'Z, 0] [l, b] = [Z'y, 0], in integers; dummies that depend on others are left out.
    """
    dummies = [_dummy(problem.data[f], level) for f in problem.absorbed for level in np.unique(problem.data[f])]
    X = [whole(v) for v in (*dummies, *(problem.data[name] for name in regressors))]
    Z = [whole(v) for v in (*dummies, *(problem.data[name] for name in instruments))] if instruments else []
    y = whole(problem.data[outcome])
    w = None if problem.weights is None else whole(problem.data[problem.weights])
    columns = [*Z, *X, y]
    values = [c.values for c in columns]
    weighted = values if w is None else [w.values * v for v in values]
    G = np.array([[int(a.dot(v)) for v in values] for a in weighted], object)
    products, m = G.copy(), len(Z)
    if m:
        G[m:-1, m:] = G[m:, m:-1] = 0
    solved = eliminate(G, [True] * (len(columns) - 1))
    own = slice(m, m + len(X))
    b = [Fraction(v, solved.denominator) for v in solved.b[own]]
    inside = np.array([*(-v for v in b), Fraction(1)], object)
    S = products[m:, m:]
    rss = sum(
        Fraction(int(v)) * a * c for row, a in zip(S, inside, strict=True) for v, c in zip(row, inside, strict=True)
    )
    df = len(values[0]) - sum(solved.kept[own])
    sign = -1 if m else 1
    exponents, at = [c.exponent for c in X], y.exponent
    inverse = [Fraction(sign * v, solved.denominator) for v in solved.inverse[own]]
    errors = [
        root(rss / df * v) * Fraction(2) ** (at - e) if df > 0 and rss > 0 else None
        for v, e in zip(inverse, exponents, strict=True)
    ]
    scaled = [v * Fraction(2) ** (at - e) for v, e in zip(b, exponents, strict=True)]
    return scaled[len(dummies) :], errors[len(dummies) :]


def _dummy(codes: Array, level: Any) -> Array:
    return (codes == level).astype(np.float64)


def finding(numbers: Iterable[int], seen: Callable[[Scored], None] = lambda one: None) -> Finding:
    """The table by family, and whether no certificate is above the truth."""
    found = []
    for number in numbers:
        found.append(scored(number))
        seen(found[-1])
    above = [one for one in found if one.slack < -ROUNDING]
    rows = [_row(family.__name__, [one for one in found if one.family == family.__name__]) for family in FAMILIES]
    names = ", ".join(f"{one.number} ({one.family}, {one.slack:.2f})" for one in above)
    return Finding(
        f"{len(found)} problems with instruments and absorbed factors, {WANTED[0]:g} to {WANTED[-1]:g} digits wanted",
        ("family", "answered", "refused", "figures", "certified digits, median", "right digits, median", "least slack"),
        [*rows, _row("all", found)],
        [check("problems of which more digits are certified than are right", names or 0, "none", not above)],
    )


def _row(name: str, some: Sequence[Scored]) -> tuple[str, ...]:
    answered = [one for one in some if not one.refused]
    figures = [figure for one in answered for figure in one.figures if figure[0] > 0.0]
    if not figures:
        return name, str(len(answered)), str(len(some) - len(answered)), "0", "", "", ""
    return (
        name,
        str(len(answered)),
        str(len(some) - len(answered)),
        str(len(figures)),
        f"{median(certified for certified, _ in figures):.1f}",
        f"{median(min(max(right, 0.0), CAP) for _, right in figures):.1f}",
        f"{min(one.slack for one in answered):.2f}",
    )
