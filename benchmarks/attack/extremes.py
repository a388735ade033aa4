"""Numbers from 1e-300 to 1e300: a fit is right to the digits it certifies, or it is refused.

Small problems whose columns, outcomes, weights and penalties have magnitudes over nearly the whole range of float64:
wide in one column, a single outlier, columns of zeros, constant ones, exact fits. Linear fits are compared with the
exact least-squares solution in integers; other models with the same fit at ordinary magnitudes, which powers of two
change exactly.

    cd benchmarks && python -m attack.extremes --size 100
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from attack.verdicts import RIGHT, SILENT, Verdict, main
from numpy.typing import NDArray
from trial.answer import answer_of
from trial.problem import CONSTANT, RESPONSE, Column, Problem, variables
from trial.scoring import logarithm, nearest
from trial.truth import Truth, truth_of

import gramian as gm

Array = NDArray[np.float64]
LOWEST, HIGHEST = -996, 996  # binary exponents of 1e-300 and 1e300
FIGURES = 1e-6  # relative error of what is computed from certified numbers with at least 8 digits
WANTED = 7.0  # certified digits from which such figures are compared


def magnitude(rng: np.random.Generator) -> int:
    """A binary exponent: zero half of the time, else anything."""
    return 0 if rng.random() < 0.5 else int(rng.integers(LOWEST, HIGHEST))


def column(rng: np.random.Generator, rows: int) -> Array:
    """A column that somebody hands over to see what happens."""
    values = rng.standard_normal(rows)
    kind = rng.integers(12)
    if kind == 0:
        values[:] = 0.0
    elif kind == 1:
        values[:] = rng.standard_normal()
    elif kind == 2:
        values = rng.integers(-3, 4, rows).astype(float)
    elif kind == 3:
        return np.asarray(np.ldexp(values + 10.0 ** rng.uniform(0, 12), int(0.9 * magnitude(rng))))
    elif kind == 4:
        return np.asarray(np.ldexp(values, rng.integers(-60, 60, rows) + int(0.9 * magnitude(rng))))
    elif kind == 5:
        return np.asarray(np.ldexp(values, rng.integers(LOWEST, HIGHEST, rows)))
    values = np.ldexp(values, magnitude(rng))
    if kind == 6:
        values[rng.integers(rows)] = np.ldexp(rng.standard_normal(), int(rng.integers(300, HIGHEST)))
    return np.asarray(values)


def weights(rng: np.random.Generator, rows: int) -> Array:
    """Positive weights of any magnitude; sometimes of all magnitudes, sometimes subnormal."""
    kind = rng.integers(4)
    exponents = rng.integers(-1070, HIGHEST, rows) if kind == 0 else np.full(rows, magnitude(rng))
    values = np.ldexp(rng.uniform(0.5, 2.0, rows), exponents)
    return np.full(rows, 1e-320) if kind == 1 else values


def drawn(number: int) -> tuple[np.random.Generator, dict[str, Any], tuple[str, ...]]:
    """A generator, data with an outcome, and the names of the columns."""
    rng = np.random.default_rng([11, number])
    rows, names = int(rng.integers(3, 14)), tuple(f"x{j}" for j in range(1, int(rng.integers(2, 5))))
    data = {name: column(rng, rows) for name in names}
    outcome = column(rng, rows)
    if rng.random() < 0.2:  # an exact fit, or nearly
        with np.errstate(all="ignore"):
            outcome = data["x1"] * 2.0 ** int(rng.integers(-3, 3))
    if rng.random() < 0.15 and len(names) > 1:
        with np.errstate(all="ignore"):
            data["x2"] = data["x1"] * 3.0  # dependent
    return rng, {**data, RESPONSE: np.where(np.isfinite(outcome), outcome, 1.0)}, names


def finite(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with what is not finite set to one."""
    return {n: np.where(np.isfinite(v), v, 1.0) if v.dtype.kind == "f" else v for n, v in data.items()}


def linear_problem(number: int) -> tuple[np.random.Generator, Problem]:
    """A linear problem, with or without an intercept, weights, counts and a factor."""
    rng, data, names = drawn(number)
    rows, intercept = len(data[RESPONSE]), bool(rng.random() < 0.7)
    columns = ((CONSTANT,) if intercept else ()) + variables(names)
    formula = f"y ~ {'' if intercept else '0 + '}{' + '.join(names)}"
    weighted, counted = rng.random() < 0.2, rng.random() < 0.1
    if weighted:
        data["w"] = weights(rng, rows)
    if counted:
        data["n"] = rng.integers(1, 4, rows).astype(float)
    return rng, Problem(
        formula, columns, finite(data), weights="w" if weighted else None, counts="n" if counted else None
    )


def wrong_figures(fit: Any, problem: Problem, truth: Truth) -> list[str]:
    """What a fit says that is not so: figures beyond their certificates, and what is computed from them."""
    answer = answer_of(fit, ())
    if answer.names != truth.names:
        return [f"columns {answer.names} instead of {truth.names}"]
    surplus = truth.aliased - answer.aliased
    told = truth if answer.aliased == truth.aliased else truth_of(problem, answer.aliased)
    if answer.aliased - truth.aliased:
        return []  # left out within rounding or in doubt: a warning, which other trials judge
    if surplus and min(answer.digits, default=0.0) > 0.0:
        return [f"{', '.join(sorted(surplus))} kept, but dependent, with digits {answer.digits}"]
    wrong = [
        f"{name} = {found!r}, {certified:.2f} digits certified; right is {nearest(right)!r}"
        for name, found, right, scale, certified in figures(answer, told)
        if beyond(found, right, scale, certified)
    ]
    if answer.rss_digits >= WANTED and min(answer.digits, default=0.0) >= WANTED:
        wrong += computed(fit, told)
    return wrong


def figures(answer: Any, truth: Truth) -> list[tuple[str, float, Fraction, Fraction, float]]:
    """Name, number, truth, size to which digits refer, and certified digits, of each number of a fit."""
    out = [("rss", answer.rss, truth.rss, truth.rss, answer.rss_digits)]
    for i, name in enumerate(truth.names):
        b, error = truth.coefficients[i], truth.std_errors[i]
        if b is None or np.isnan(answer.coefficients[i]):
            continue
        scale = abs(b) if truth.rss == 0 or error is None else max(abs(b), error)
        out.append((name, answer.coefficients[i], b, scale, answer.digits[i]))
        if error is not None:
            out.append((f"error of {name}", answer.std_errors[i], error, error, answer.std_error_digits[i]))
    return out


def beyond(found: float, right: Fraction, scale: Fraction, certified: float) -> bool:
    """Whether a number is further from the truth than its certificate says."""
    if not certified > 0.0 or found == nearest(right):
        return False
    if not np.isfinite(found) or not scale:
        return True
    off = abs(Fraction(found) - right) / scale
    return bool(off) and -logarithm(off) < certified - 1e-9


def computed(fit: Any, truth: Truth) -> list[str]:
    """Wrong numbers among those that follow from coefficients and residual sum."""
    df = truth.rows - truth.rank
    if df <= 0 or truth.rss == 0:
        return []
    told = {"sigma": (fit.sigma, float_root(truth.rss / df))}
    return [
        f"{name} = {found!r}; right is {right!r}"
        for name, (found, right) in told.items()
        if not abs(found - right) <= FIGURES * right
    ]


def float_root(value: Fraction) -> float:
    """Square root of a fraction of any size, in float64."""
    shift = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    return float(np.ldexp(float(value / Fraction(4) ** shift) ** 0.5, shift))


def printed(fit: Any) -> None:
    """Call everything that a result offers; what raises is a traceback or a refusal."""
    fit.summary()
    fit.to_dict()
    for name in ("p_values", "t_values", "r_squared", "adj_r_squared", "f_test", "loglik", "aic", "sigma"):
        getattr(fit, name, None)
    fit.conf_int()
    fit.glance()


def verdict(wrong: list[str], what: str) -> Verdict:
    """Right, or silent with what is wrong."""
    return Verdict(SILENT, f"{what}: {'; '.join(wrong)}") if wrong else Verdict(RIGHT)


def linear(**options: Any) -> Callable[[int], Verdict]:
    """An attack: `gm.ols` with these options."""

    def attack(number: int) -> Verdict:
        _, problem = linear_problem(number)
        fit = gm.ols(problem.formula, dict(problem.data), weights=problem.weights, counts=problem.counts, **options)
        printed(fit)
        return verdict(wrong_figures(fit, problem, truth_of(problem)), describe(problem))

    return attack


def once(number: int) -> Verdict:
    """Rows that can be read once only: the certificate of one pass."""
    _, problem = linear_problem(number)
    batches = iter([pa.RecordBatch.from_pydict(dict(problem.data))])
    fit = gm.ols(problem.formula, batches, weights=problem.weights, counts=problem.counts)
    return verdict(wrong_figures(fit, problem, truth_of(problem)), describe(problem))


def grams(number: int) -> Verdict:
    """A fit from a Gram, float64 or exact."""
    rng, problem = linear_problem(number)
    exact = bool(rng.random() < 0.3)
    data = dict(problem.data)
    gram = gm.gram(problem.formula, data, weights=problem.weights, counts=problem.counts, exact=exact)
    fit = gram.ols()
    printed(fit)
    return verdict(wrong_figures(fit, problem, truth_of(problem)), f"exact={exact}, {describe(problem)}")


def absorbed(number: int) -> Verdict:
    """Columns beside an absorbed factor: the same slopes as with its levels as columns."""
    rng, data, names = drawn(number)
    rows = len(data[RESPONSE])
    data["g"] = np.array(["a", "b", "c"])[rng.integers(0, 3, rows)]
    if rng.random() < 0.3:
        data["x1"] = np.select([data["g"] == level for level in "ab"], rng.standard_normal(2), 0.5)
    data = finite(data)
    cells = tuple(Column(f"g[{level}]", cell=(("g", level),)) for level in sorted(set(data["g"])))
    problem = Problem("", (*cells, *variables(names)), data)
    fit = gm.ols(f"y ~ {' + '.join(names)} | g", data)
    printed(fit)
    truth = truth_of(problem)
    told = truth if fit.aliased.keys() == truth.aliased else truth_of(problem, fit.aliased)
    wrong = []
    for name, b, digits in zip(fit.names, fit.coefficients, fit.digits, strict=True):
        at = told.names.index(name)
        right, error = told.coefficients[at], told.std_errors[at]
        if right is not None and not np.isnan(b):
            scale = max(abs(right), error or Fraction(0))
            if beyond(float(b), right, scale, float(digits)):
                wrong.append(f"{name} = {b!r}, {digits:.2f} digits certified; right is {nearest(right)!r}")
    return verdict(wrong, describe(problem))


def ridge(number: int) -> Verdict:
    """`gm.ridge`, `Gram.ridge` and scikit-learn's interface with penalties of any size."""
    rng, data, names = drawn(number)
    data, alpha = finite(data), float(rng.choice([0.0, 1e-300, 1e-16, 1e-8, 1.0, 2.0 ** magnitude(rng)]))
    formula, what = f"y ~ {' + '.join(names)}", f"alpha = {alpha!r}"
    kind = int(rng.integers(3))
    X = np.stack([data[name] for name in names], axis=1)
    if kind == 0:
        fit = gm.ridge(formula, data, alpha)
        printed(fit)
        b, digits = fit.coefficients, fit.digits
    elif kind == 1:
        fit = gm.gram(formula, data).ridge(alpha)
        printed(fit)
        b, digits = fit.coefficients, fit.digits
    else:
        from gramian.sklearn import Ridge

        model = Ridge(alpha=alpha).fit(X, data[RESPONSE])
        b, digits = np.append(model.intercept_, model.coef_), np.full(len(names) + 1, 4.0)
    if not alpha and (
        kind == 2 or fit.aliased
    ):  # no penalty, dependent columns: least squares, which other attacks try
        return Verdict(RIGHT)
    right = exact_ridge(X, data[RESPONSE], Fraction(alpha))
    if right is None:
        return Verdict(SILENT, f"{what}: dependent, {b}") if np.isfinite(b).all() and kind == 3 else Verdict(RIGHT)
    errors = [0.0] * len(b) if kind == 2 else np.nan_to_num(fit.std_errors, posinf=0.0).tolist()
    scales = units(X, right) if kind == 2 else [max(abs(t), Fraction(e)) for t, e in zip(right, errors, strict=True)]
    wrong = [
        f"{found!r} with {certified:.1f} digits; right is {nearest(truth)!r}"
        for found, truth, certified, scale in zip(b.tolist(), right, digits.tolist(), scales, strict=True)
        if beyond(found, truth, scale, certified)
    ]
    return verdict(wrong, f"{what}, {('rows', 'Gram', 'sklearn')[kind]}, {plain(data)}")


def units(X: Array, right: list[Fraction]) -> list[Fraction]:
    """For intercept and slopes, the size of each that makes a term as large as the largest one.

    Without bounds of its errors, a coefficient has digits of that, whatever the units of its column.
    """
    lengths = [Fraction(1), *(max((abs(Fraction(v)) for v in x.tolist()), default=Fraction(0)) for x in X.T)]
    largest = max(abs(b) * length for b, length in zip(right, lengths, strict=True))
    return [largest / length if length else abs(b) for b, length in zip(right, lengths, strict=True)]


def exact_ridge(X: Array, y: Array, alpha: Fraction) -> list[Fraction] | None:
    """Intercept and slopes in fractions; None where they are not determined."""
    columns = [[Fraction(v) for v in whole_column.tolist()] for whole_column in (*X.T, y)]
    n = Fraction(len(y))
    means = [sum(c, Fraction(0)) / n for c in columns]
    centred = [[v - m for v in c] for c, m in zip(columns, means, strict=True)]
    p = len(columns) - 1
    A = [[sum((a * b for a, b in zip(centred[i], centred[j], strict=True)), Fraction(0)) for j in range(p + 1)]
         for i in range(p)]  # fmt: skip
    for i in range(p):
        A[i][i] += alpha
    for k in range(p):
        if not A[k][k]:
            return None
        for i in range(p):
            if i != k:
                share = A[i][k] / A[k][k]
                A[i] = [a - share * b for a, b in zip(A[i], A[k], strict=True)]
    slopes = [A[i][p] / A[i][i] for i in range(p)]
    return [means[p] - sum((m * b for m, b in zip(means, slopes, strict=False)), Fraction(0)), *slopes]


FAMILIES = ("poisson", "binomial", "gamma", "inverse_gaussian", "gaussian", "negative_binomial", "quasipoisson")


def generalized(number: int) -> Verdict:
    """A generalized linear model of wild outcomes and columns; the columns once more at ordinary magnitudes."""
    rng, data, names = drawn(number)
    family = FAMILIES[int(rng.integers(len(FAMILIES)))]
    rows = len(data[RESPONSE])
    X = {name: rng.standard_normal(rows) for name in names}
    exponents = {name: magnitude(rng) for name in names}
    kind = int(rng.integers(3))
    if kind == 0:  # anything: right cannot be said, but no traceback
        outcome = np.abs(data[RESPONSE]) if rng.random() < 0.8 else data[RESPONSE]
        gm.glm(f"y ~ {' + '.join(names)}", finite({**data, "y": outcome}), family).summary()
        return Verdict(RIGHT)
    if family == "binomial":
        outcome = (rng.random(rows) < 0.5).astype(float)
    elif family in ("gamma", "inverse_gaussian"):
        outcome = rng.gamma(2.0, 1.0, rows) + 0.1
    else:
        outcome = rng.poisson(3.0, rows).astype(float)
    if kind == 2 and family in ("poisson", "negative_binomial", "quasipoisson"):
        outcome[0] = np.rint(10.0 ** rng.uniform(0, 300))
    link = {"gamma": "log", "inverse_gaussian": "log"}.get(family)
    scaled = {name: np.ldexp(values, exponents[name]) for name, values in X.items()}
    formula = f"y ~ {' + '.join(names)}"
    fit = gm.glm(formula, {**scaled, "y": outcome}, family, link)
    fit.summary()
    ordinary = gm.glm(formula, {**X, "y": outcome}, family, link)
    powers = [0, *exponents.values()]
    off = np.abs(np.ldexp(fit.coefficients, powers) - ordinary.coefficients)
    allowed = 1e-5 * np.maximum(ordinary.std_errors, np.abs(ordinary.coefficients))
    wrong = [f"{fit.coefficients} for {ordinary.coefficients} times 2^-{powers}"] if (off > allowed).any() else []
    return verdict(wrong, f"{family}, {plain({**scaled, 'y': outcome})}")


def curves(number: int) -> Verdict:
    """A curve whose outcome and column have any magnitude, beside the same at ordinary ones."""
    rng = np.random.default_rng([12, number])
    rows = int(rng.integers(6, 14))
    x = np.sort(rng.uniform(0.1, 4.0, rows))
    y = 2.0 * np.exp(-0.7 * x) + 0.01 * rng.standard_normal(rows)
    across, up = magnitude(rng), magnitude(rng)
    if rng.random() < 0.3:
        y = column(rng, rows)
    with np.errstate(over="ignore"):
        wild = finite({"x": np.ldexp(x, across), "y": np.ldexp(y, up)})
    start = {"a": 1.0, "b": float(np.ldexp(1.0, -across))}
    fit = gm.curve("y ~ a * exp(-b * x)", wild, start=start)
    fit.summary()
    ordinary = gm.curve("y ~ a * exp(-b * x)", {"x": x, "y": y}, start={"a": 1.0, "b": 1.0})
    if not (fit.converged and ordinary.converged):  # which it says
        return Verdict(RIGHT)
    off = np.abs(np.ldexp(fit.coefficients, [-up, across]) - ordinary.coefficients)
    allowed = 1e-9 + 1e-5 * np.maximum(ordinary.std_errors, np.abs(ordinary.coefficients))
    wrong = [f"{fit.coefficients} for {ordinary.coefficients}"] if not (off <= allowed).all() else []
    return verdict(wrong, f"x times 2^{across}, y times 2^{up}")


def other(number: int) -> Verdict:
    """Everything else that takes numbers: groups, paths, selection, estimators; no more than an error of gramian."""
    rng, data, names = drawn(number)
    data, formula = finite(data), f"y ~ {' + '.join(names)}"
    X, y = np.stack([data[name] for name in names], axis=1), data[RESPONSE]
    kind = int(rng.integers(8))
    if kind == 0:
        data["g"] = np.array(["a", "b"])[rng.integers(0, 2, len(y))]
        for fit in gm.ols(formula, data, by="g").values():
            fit.summary()
    elif kind == 1:
        gm.ols(formula, data, vcov=str(rng.choice(["HC0", "HC1", "HC2", "HC3"]))).summary()
    elif kind == 2:
        data["g"] = np.array(["a", "b", "c"])[rng.integers(0, 3, len(y))]
        gm.ols(formula, data, vcov={"cluster": "g"}).summary()
    elif kind == 3:
        gm.gram(formula, data).path().summary()
    elif kind == 4:
        gm.gram(formula, data).select().summary()
    elif kind == 5:
        fit = gm.ols(formula, data)
        fit.anova()
        fit.vif()
        fit.predict(data, interval="confidence")
    elif kind == 6:
        return estimated(rng, X, y, plain(data))
    else:
        return without_products(formula, data, names)
    return Verdict(RIGHT)


def estimated(rng: np.random.Generator, X: Array, y: Array, what: str) -> Verdict:
    """An estimator; least squares is compared with the truth."""
    from gramian.sklearn import ElasticNet, Lasso, LinearRegression

    if rng.random() < 0.5:
        (Lasso, ElasticNet)[int(rng.integers(2))]().fit(X, y).predict(X)
        return Verdict(RIGHT)
    model = LinearRegression().fit(X, y)
    right = exact_ridge(X, y, Fraction(0))
    if right is None or not all(np.isfinite(model.coef_)):
        return Verdict(RIGHT)
    # predictions, for coefficients of columns that depend on each other but for rounding may be shared out otherwise
    found, ones = [float(model.intercept_), *model.coef_.tolist()], np.ones(len(y))
    rows = [[Fraction(v) for v in row] for row in np.column_stack([ones, X]).tolist()]
    off = max(
        abs(sum(((Fraction(b) - t) * v for b, t, v in zip(found, right, row, strict=True)), Fraction(0)))
        for row in rows
    )
    size = max(abs(t * v) for row in rows for t, v in zip(right, row, strict=True))
    return verdict([f"{found} for {[nearest(b) for b in right]}"] if off > size / 10**6 else [], what)


def without_products(formula: str, data: dict[str, Any], names: tuple[str, ...]) -> Verdict:
    """The iterative solver, whose digits are those of its coefficients."""
    fit = gm.ols(formula, data, solver="iterative")
    fit.summary()
    truth = truth_of(Problem(formula, (CONSTANT, *variables(names)), data))
    if truth.aliased or fit.aliased:
        return Verdict(RIGHT)
    wrong = [
        f"{name} = {found!r}, {digits:.2f} digits; right is {nearest(right)!r}"
        for name, found, digits, right in zip(fit.names, fit.coefficients, fit.digits, truth.coefficients, strict=True)
        if right is not None and beyond(float(found), right, abs(right), float(digits))
    ]
    return verdict(wrong, plain(data))


def describe(problem: Problem) -> str:
    """A problem so that it can be typed in again."""
    return f"{problem.formula} {plain(problem.data)}"


def plain(data: Mapping[str, Any]) -> str:
    """Data as Python text."""
    return repr({name: np.asarray(values).tolist() for name, values in data.items()})


def quiet(attack: Callable[[int], Verdict]) -> Callable[[int], Verdict]:
    """The attack with warnings of accuracy as part of the answer, and all others as errors."""

    def silenced(number: int) -> Verdict:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("ignore", gm.errors.AccuracyWarning)
            return attack(number)

    return silenced


ATTACKS = {
    name: quiet(attack)
    for name, attack in {
        "linear": linear(),
        "linear, exact": linear(exact=True),
        "linear, read once": once,
        "linear, of a Gram": grams,
        "absorbed factor": absorbed,
        "ridge": ridge,
        "generalized": generalized,
        "curve": curves,
        "other": other,
    }.items()
}

if __name__ == "__main__":
    main(ATTACKS, __doc__ or "", 100)
