"""The trial's own truth and scoring: against exact rationals elsewhere, and with stand-in certificates."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from reference.exact import Row, least_squares, solve_exact
from trial.answer import Answer
from trial.problem import RESPONSE, Problem
from trial.problems import COUNT, CYCLE, SHARES, problem
from trial.run import finding, tried
from trial.scoring import COEFFICIENT, RSS, STD_ERROR, nearest, right_digits, score
from trial.truth import Truth, as_array, root, truth_of, whole

SMALL = [
    k for k in range(120) if CYCLE[k % len(CYCLE)] not in ("ordered", "unshifted", "many") and problem(k).rows < 300
]


def rows_of(one: Problem, names: tuple[str, ...]) -> tuple[list[Row], Row, Row]:
    """Model columns, outcome and weights as fractions, written down row by row."""
    columns = [c for c in one.columns if c.name in names]
    X, y, w = [], [], []
    for i in range(one.rows):
        weight = Fraction(1)
        for name in (one.weights, one.counts):
            weight *= 1 if name is None else Fraction(float(one.data[name][i]))
        row = []
        for column in columns:
            value = Fraction(all(one.data[f][i] == level for f, level in column.cell))
            for name, power in column.powers:
                value *= Fraction(float(one.data[name][i])) ** power
            row.append(value)
        X.append(row)
        y.append(Fraction(float(one.data[RESPONSE][i])))
        w.append(weight)
    return X, y, w


def used(truth: Truth) -> tuple[str, ...]:
    return tuple(name for name in truth.names if name not in truth.aliased)


@pytest.mark.parametrize("number", SMALL[::3])
def test_truth_solves_the_equations_of_independent_columns(number: int) -> None:
    one = problem(number)
    truth = truth_of(one)
    X, y, w = rows_of(one, used(truth))
    expected = least_squares(X, y, w)
    assert [b for b in truth.coefficients if b is not None] == expected
    residuals = [
        t - sum((v * b for v, b in zip(row, expected, strict=True)), Fraction(0)) for row, t in zip(X, y, strict=True)
    ]
    assert truth.rss == sum((v * r * r for v, r in zip(w, residuals, strict=True)), Fraction(0))


@pytest.mark.parametrize("number", SMALL[::11])
def test_truth_inverts(number: int) -> None:
    one = problem(number)
    truth = truth_of(one)
    X, _, w = rows_of(one, used(truth))
    p = len(used(truth))
    A = [[sum((v * r[i] * r[j] for r, v in zip(X, w, strict=True)), Fraction(0)) for j in range(p)] for i in range(p)]
    units = [[Fraction(i == j) for i in range(p)] for j in range(p)]
    assert [v for v in truth.inverse if v is not None] == [solve_exact(A, e)[j] for j, e in enumerate(units)]
    df = truth.rows - truth.rank
    known = zip(truth.std_errors, truth.inverse, strict=True)
    pairs = [(s, v) for s, v in known if s is not None and v is not None]
    assert len(pairs) == (p if df > 0 else 0)
    for s, v in pairs:  # 50 digits
        assert abs(s * s - truth.rss / df * v) <= truth.rss / df * v * Fraction(1, 10**50)


@pytest.mark.parametrize("number", [k for k in SMALL if truth_of(problem(k)).aliased])
def test_an_aliased_column_is_a_combination_of_earlier_ones(number: int) -> None:
    one = problem(number)
    truth = truth_of(one)
    for name in truth.aliased:
        before = [n for n in truth.names[: truth.names.index(name)] if n not in truth.aliased]
        as_outcome = next(c for c in one.columns if c.name == name)
        X, _, w = rows_of(one, (*before, name))
        target = [row[-1] for row in X]
        assert as_outcome.name == [c.name for c in one.columns if c.name in (*before, name)][-1]
        if not before:
            assert not any(target)
            continue
        X = [row[:-1] for row in X]
        b = least_squares(X, target, w)
        assert all(
            v == sum((x * c for x, c in zip(row, b, strict=True)), Fraction(0))
            for row, v in zip(X, target, strict=True)
        )


def test_numbers_become_integers_exactly() -> None:
    values = np.array([0.0, -0.0, 1.0, -0.1, 5e-324, 1e-310, 1e308, 2.0**-1074 * 3, 123456789.0])
    found = whole(values)
    assert [Fraction(int(n)) * Fraction(2) ** found.exponent for n in found.values] == [
        Fraction(v) for v in values.tolist()
    ]


def test_root_has_fifty_digits() -> None:
    for value in (Fraction(2), Fraction(1, 3) ** 700, Fraction(10) ** 600 + 1):
        assert abs(root(value) ** 2 / value - 1) < Fraction(1, 10**50)
    assert root(Fraction(0)) == 0


def test_every_stretch_of_forty_has_every_family() -> None:
    assert COUNT % len(CYCLE) == 0
    assert {problem(k).family for k in range(7, 7 + len(CYCLE))} == set(SHARES)


@pytest.mark.parametrize("number", range(0, 2 * len(CYCLE), 7))
def test_a_number_is_always_the_same_problem(number: int) -> None:
    one = problem(number)
    assert one.digest == problem(number).digest
    assert one.digest != problem(number + len(CYCLE)).digest
    assert all(np.isfinite(v).all() for v in one.added.values() if v.dtype.kind == "f")


def test_digits_count_from_the_nearest_number() -> None:
    third = Fraction(1, 3)
    assert right_digits(1 / 3, third, third) == inf
    assert right_digits(float(np.nextafter(1 / 3, 1.0)), third, third) == pytest.approx(
        15.95, abs=0.4
    )  # an ulp or less
    assert right_digits(0.3334, third, third) == pytest.approx(-np.log10(0.0002), abs=1e-9)
    assert right_digits(0.3334, third, 1000 * third) == pytest.approx(3 - np.log10(0.0002), abs=1e-9)
    assert right_digits(0.0, Fraction(0), Fraction(0)) == inf
    assert right_digits(1e-300, Fraction(0), Fraction(0)) == -inf
    assert right_digits(float("nan"), third, third) == -inf
    assert nearest(Fraction(10) ** 400) == inf


def stand_in(one: Problem, off: float = 0.0, claim: float = 16.0) -> Answer:
    """The truth, rounded, moved by a share `off` of itself, and so many digits claimed of it."""
    truth = truth_of(one)
    b, se = (as_array(v) * (1.0 + off) for v in (truth.coefficients, truth.std_errors))
    claims = (claim,) * len(b)
    rss = nearest(truth.rss) * (1.0 + off)
    return Answer(
        truth.names, tuple(b), claims, tuple(se), claims, rss, claim, truth.aliased, tier="stand-in", passes=1
    )


def test_rounded_truth_may_claim_everything() -> None:
    for one in tried(SMALL, stand_in):
        assert not one.violations
        assert not one.refusal
        assert not one.wrong
        assert all(f.slack == 0.0 for f in one.figures)


def test_what_is_wrong_in_the_seventh_digit_may_not_claim_eight() -> None:
    scores = tried(SMALL, lambda one: stand_in(one, off=2e-7, claim=8.0))
    figures = [f for s in scores for f in s.figures if f.truth and not np.isinf(f.found)]
    assert all(f.violated for f in figures if f.kind in (STD_ERROR, RSS))
    # beside a standard error that is larger than the coefficient the same error is worth more digits
    large = [f for f in figures if f.kind == COEFFICIENT]
    assert sum(f.violated for f in large) > 0.8 * len(large)
    assert all(f.right >= 6.69 for f in figures)
    modest = tried(SMALL, lambda one: stand_in(one, off=2e-7, claim=6.6))
    assert not any(s.violations for s in modest)
    assert min(f.slack for s in modest for f in s.figures) == pytest.approx(-np.log10(2e-7) - 6.6, abs=1e-6)


def test_a_coefficient_near_zero_counts_in_its_standard_error() -> None:
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    one = replace(
        problem(0),
        formula="y ~ x1",
        columns=problem(0).columns[:2],
        data={"x1": x, "y": np.array([1.0, -1.0, -1.0, 1.0])},
    )
    truth = truth_of(one)
    assert truth.coefficients == (0, 0)
    noisy = replace(stand_in(one, claim=12.0), coefficients=(1e-14, 1e-14))
    assert not score(one, lambda _: noisy).violations
    exact = replace(one, data={"x1": x, "y": np.zeros(4)})
    both = score(exact, lambda _: replace(stand_in(exact, claim=12.0), coefficients=(1e-14, 0.0))).violations
    assert [f.name for f in both] == ["Intercept"]


def test_no_digits_claimed_is_never_too_much() -> None:
    scores = tried(SMALL, lambda one: stand_in(one, off=1e3, claim=0.0))
    assert not any(s.violations for s in scores)


def test_ranks_are_compared_and_doubts_counted_apart() -> None:
    one = next(problem(k) for k in range(COUNT) if problem(k).family == "dependent")
    (name,) = truth_of(one).aliased
    right = stand_in(one)
    kept = replace(right, aliased=frozenset(), coefficients=tuple(np.nan_to_num(right.coefficients)))
    assert score(one, lambda _: kept).wrong == f"kept, but dependent: {name}"
    other = replace(right, aliased=frozenset({name, "x1"}))
    assert score(one, lambda _: other).wrong == "left out, but independent: x1"
    doubted = replace(other, warnings=("x1 may be a combination of others",))
    assert (score(one, lambda _: doubted).refusal, score(one, lambda _: doubted).wrong) == ("rank in doubt", "")


def test_a_column_left_out_within_rounding_is_counted_apart() -> None:
    near = [problem(k) for k in range(COUNT) if CYCLE[k % len(CYCLE)] == "near"]
    ulps = next(p for p in near if "single units" in p.what and p.rows > 20)
    far = next(p for p in near if "e-06 apart" in p.what and p.rows > 20)
    for one, verdict in (
        (ulps, ("left out within rounding", "")),
        (far, ("", f"left out, but independent: {last(far)}")),
    ):
        assert not truth_of(one).aliased
        without = replace(stand_in(one), aliased=frozenset({last(one)}))
        assert (
            score(one, lambda _, told=without: told).refusal,
            score(one, lambda _, told=without: told).wrong,
        ) == verdict


def last(one: Problem) -> str:
    return one.columns[-1].name


def test_an_array_is_handed_over_as_one() -> None:
    plain = next(p for p in map(problem, range(COUNT)) if p.stacked)
    handed = plain.handed(plain.data)
    assert handed["X"].shape == (plain.rows, len(plain.columns) - 1)
    assert handed["X"].flags["F_CONTIGUOUS" if plain.stacked == "F" else "C_CONTIGUOUS"]
    assert np.array_equal(handed["X"][:, 0], plain.data["X[0]"])


def test_refusals_and_crashes() -> None:
    one = problem(0)
    assert score(one, lambda _: Answer(refused="NumericalError: no")).refusal == "error: NumericalError"
    assert score(one, lambda _: Answer(refused="ZeroDivisionError: no", crashed=True)).wrong == "ZeroDivisionError: no"
    assert score(one, lambda _: replace(stand_in(one), warnings=("few digits",))).refusal == "warning"
    assert score(one, lambda _: replace(stand_in(one), stray=("RuntimeWarning: overflow",))).wrong
    lost = replace(stand_in(one), coefficients=(float("nan"),) * len(truth_of(one).names))
    assert score(one, lambda _: lost).refusal == "no number"
    assert score(one, lambda _: replace(stand_in(one), names=("a",))).wrong.startswith("columns ")


def test_the_trial_tells_what_failed() -> None:
    passed = finding(tried(SMALL[:40], lambda one: stand_in(one, off=1e-9, claim=8.5)), "trial")
    assert [c.verdict for c in passed.checks] == ["pass"] * 5
    failed = finding(tried(SMALL[:40], lambda one: stand_in(one, off=1e-6, claim=8.5)), "trial")
    assert failed.checks[0].verdict == "fail"
    assert "too much certified: problem" in failed.note
