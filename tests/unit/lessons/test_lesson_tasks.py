"""What a learner does, done in a browser: numbers on the page are those of gramian."""

from __future__ import annotations

import numpy as np
import pytest

import gramian as gm
from gramian.lessons.examples import MAGNET, MONTHS, THROWS

NINE = 1e-9


def columns(points):
    return {"x": [x for x, _ in points], "y": [y for _, y in points]}


def assert_line(numbers, points):
    """All numbers of the matrices beside those of the derivation."""
    steps = gm.derive("y ~ x", columns(points))
    known = {
        "xx": steps.XtX[0, 0], "x1": steps.XtX[0, 1], "11": steps.XtX[1, 1], "xy": steps.Xty[0], "1y": steps.Xty[1],
        "determinant": steps.determinant, "w-a": steps.w[0], "w-b": steps.w[1], "cost": steps.cost_after,
        **{f"inverse-{i}{j}": steps.inverse[i, j] for i in (0, 1) for j in (0, 1)},
    }  # fmt: skip
    assert {name: numbers[name] for name in known} == pytest.approx(known, rel=NINE)


def test_drag_a_point(lesson):
    opened = lesson("#scene=matrices")
    assert_line(opened.numbers(), MONTHS.points)
    dot = opened.page.locator("#stage .dot").nth(4)
    at = dot.bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x + 45, y - 120, steps=6)
    during = opened.numbers()
    opened.page.mouse.up()
    points = opened.points()
    assert points[4] != list(MONTHS.points[4])
    assert [p for i, p in enumerate(points) if i != 4] == [list(p) for i, p in enumerate(MONTHS.points) if i != 4]
    assert_line(during, points)
    u, v = points[4]
    own = {"row-xx": u * u, "row-x1": u, "row-11": 1, "row-xy": u * v, "row-1y": v, "lit-row": 5}
    assert {name: during[name] for name in own} == pytest.approx(own, rel=1e-15)
    assert opened.page.locator("#matrices-rows tr.lit th").inner_text() == "5"
    assert opened.page.locator("#matrices-sum .term.lit").count() == 1


def test_the_gradient_and_the_lowest_point(lesson):
    opened = lesson("#scene=minimum&w=0.03,2.1")
    X = np.column_stack([np.array(MONTHS.points)[:, 0], np.ones(12)])
    y = np.array(MONTHS.points)[:, 1]
    steps = gm.derive("y ~ x", columns(MONTHS.points))
    miss = X @ [0.03, 2.1] - y
    numbers = opened.numbers()
    assert [numbers["gradient-a"], numbers["gradient-b"]] == pytest.approx(2 * X.T @ miss, rel=NINE)
    change = X @ ([0.03, 2.1] - steps.w)
    assert [numbers[k] for k in ("paid", "lowest", "change")] == pytest.approx(
        [miss @ miss, steps.cost_after, change @ change], rel=NINE
    )
    opened.page.click("#minimum-a")
    assert abs(opened.numbers()["gradient-a"]) < 1e-9 * abs(2 * X.T @ miss)[0]
    opened.page.click("#minimum-b")
    assert abs(opened.numbers()["gradient-b"]) < 1e-9 * abs(2 * X.T @ miss)[1]
    opened.page.click("#minimum-both")
    last = opened.numbers()
    assert (last["paid"], last["change"]) == (pytest.approx(steps.cost_after, rel=NINE), 0)


def steps_of(numbers, method):
    return [[numbers[f"steps-{method}-{d}"], numbers[f"predicted-{method}-{d}"]] for d in (2, 4, 8)]


def compared(scaled, method):
    done = gm.compare("y ~ x", columns(MONTHS.points), methods=[method], digits=(2, 4, 8), scale_features=scaled)
    return [[entry.iterations, entry.predicted_iterations] for entry in done.entries], done.condition


def test_find_the_best_rate_and_make_it_diverge(lesson):
    opened = lesson("#scene=descent")
    values = np.linalg.eigvalsh(gm.derive("y ~ x", columns(MONTHS.points)).XtX)
    numbers = opened.numbers()
    known = {"best-rate": 1 / values.sum(), "limit": 1 / values[1], "condition": values[1] / values[0]}
    assert {name: numbers[name] for name in known} == pytest.approx(known, rel=NINE)
    opened.slide("descent-rate", 0.694)  # near its mark, where it snaps
    numbers = opened.numbers()
    best, _ = compared(False, "best-rate")
    assert numbers["rate"] == numbers["best-rate"]
    assert steps_of(numbers, "gd") == steps_of(numbers, "best") == best
    assert steps_of(numbers, "momentum") == compared(False, "nesterov")[0]
    assert steps_of(numbers, "cg") == compared(False, "conjugate-gradient")[0]
    opened.page.click("#descent-over")
    numbers = opened.numbers()
    assert numbers["rate"] > numbers["limit"]
    assert steps_of(numbers, "gd") == [[None, np.inf]] * 3
    opened.slide("descent-step", 80)
    opened.settle()
    assert "far outside" in opened.page.locator("#descent-plane").text_content()
    costs = []
    for step in (1, 5, 20, 30):
        opened.slide("descent-step", step)
        costs.append(opened.numbers()["cost"])
    assert costs[3] > costs[2] > 1


def test_the_walk_is_that_of_gradient_descent(lesson):
    opened = lesson("#scene=descent&ratePlace=0.7&step=25")
    steps = gm.derive("y ~ x", columns(MONTHS.points))
    w, rate = np.zeros(2), opened.numbers()["rate"]
    for _ in range(25):
        w = w - rate * 2 * (steps.XtX @ w - steps.Xty)
    at = opened.page.locator("#descent-plane").evaluate("e => [+e.dataset.stepA, +e.dataset.stepB]")
    assert at == pytest.approx(w, rel=NINE)


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_round_the_valley(lesson, motion):
    opened = lesson("#scene=descent&ratePlace=0.7", reduced_motion=motion)
    opened.still()
    line = opened.page.locator("#stage .ghost").get_attribute("d")
    opened.page.click("[data-scale=scaled]")
    opened.page.wait_for_function("() => +document.getElementById('descent-condition').dataset.value < 1.000001")
    opened.still()
    numbers = opened.numbers()
    best, condition = compared(True, "best-rate")
    assert numbers["condition"] == pytest.approx(condition["scaled"], rel=NINE)
    assert steps_of(numbers, "best") == best
    assert opened.page.locator("#stage .ghost").get_attribute("d") == line


def test_make_the_matrix_singular(lesson):
    opened = lesson("#scene=valley")
    twice = {**columns(MONTHS.points), "again": columns(MONTHS.points)["x"]}
    numbers = opened.numbers()
    assert numbers["valley-determinant"] == 0
    shortest = gm.derive("y ~ x + again", twice).w[:2]
    assert [numbers["valley-w-a"], numbers["valley-w-b"]] == pytest.approx(shortest, rel=NINE)
    opened.slide("valley-ridge", 40)
    numbers = opened.numbers()
    fit = gm.ridge("y ~ x + again", twice, numbers["valley-ridge"])
    assert [numbers["valley-w-a"], numbers["valley-w-b"]] == pytest.approx(fit.coefficients[1:], rel=NINE)
    penalised = gm.derive("y ~ x + again", twice).XtX + np.diag([1, 1, 0]) * numbers["valley-ridge"]
    assert numbers["valley-determinant"] == pytest.approx(np.linalg.det(penalised), rel=NINE)
    opened.page.click("[data-reason=one]")
    opened.slide("valley-ridge", 0)
    numbers = opened.numbers()
    x, y = MONTHS.points[int(numbers["valley-row"]) - 1]
    shortest = gm.derive("y ~ x", {"x": [x], "y": [y]})
    assert (numbers["valley-determinant"], shortest.determinant) == (0, 0)
    assert [numbers["valley-w-a"], numbers["valley-w-b"]] == pytest.approx(shortest.w, rel=NINE)


def test_points_above_one_x_have_no_inverse(lesson):
    opened = lesson("#scene=matrices&pts=3,1;3,2;3,5")
    assert opened.page.locator("#matrices-none").is_visible()
    assert opened.numbers()["determinant"] == 0
    assert opened.page.locator("#minimum-none").count() == 1
    for scene in ("minimum", "descent"):
        opened = lesson(f"#scene={scene}&pts=3,1;3,2;3,5")
        assert opened.page.locator(f"#{scene}-none").is_visible()


def test_polynomials(lesson):
    opened = lesson("#scene=powers")
    opened.slide("powers-degree", 5)
    steps = gm.derive("y ~ x", columns(MONTHS.points), polynomial=5)
    numbers = opened.numbers()
    assert numbers["powers-cost"] == pytest.approx(steps.cost_after, rel=NINE)
    assert numbers["powers-condition"] == pytest.approx(steps.eigenvalues[0] / steps.eigenvalues[-1], rel=NINE)
    opened.slide("powers-ridge", 50)
    numbers = opened.numbers()
    x, y = np.array(MONTHS.points).T
    powers = {f"t{k}": ((x - 6.5) / 5.5) ** k for k in range(1, 6)}
    fit = gm.ridge("y ~ " + " + ".join(powers), {"y": y, **powers}, numbers["powers-ridge"])
    assert numbers["powers-length"] == pytest.approx(np.linalg.norm(fit.coefficients[1:]), rel=NINE)
    opened.page.click("#powers-few")
    opened.slide("powers-ridge", 0)
    opened.settle()
    assert opened.page.locator("#powers-rows").inner_text() == "8 columns, 4 rows"
    assert "endlessly many" in opened.page.locator("#powers-say").inner_text()
    assert opened.numbers()["powers-cost"] < 1e-25


def test_separate_the_classes(lesson):
    opened = lesson("#scene=sigmoid")
    opened.page.click("#sigmoid-end")
    numbers = opened.numbers()
    fit = gm.glm("y ~ x", columns(THROWS.points), family="binomial", tolerance=1e-14)
    last = max(int(name.split("-")[1]) for name in numbers if name.startswith("sigmoid-") and name.endswith("-cost"))
    assert [numbers[f"sigmoid-{last}-{k}"] for k in "ba"] == pytest.approx(fit.coefficients, rel=NINE)
    assert numbers["deviance"] == pytest.approx(fit.deviance, rel=NINE)
    opened.page.click("#sigmoid-separate")
    opened.page.click("#sigmoid-end")
    assert "There is no best one" in opened.page.locator("#sigmoid-say").inner_text()
    assert abs(opened.numbers()["sigmoid-8-a"]) > 3
    opened.slide("sigmoid-ridge", 60)
    opened.settle()
    assert "one best sigmoid again" in opened.page.locator("#sigmoid-say").inner_text()
    numbers = opened.numbers()
    separated = opened.points()
    assert min(x for x, hit in separated if not hit) > max(x for x, hit in separated if hit)
    fit = gm.glm("y ~ x", columns(separated), family="binomial", ridge=numbers["sigmoid-ridge"], tolerance=1e-14)
    assert numbers["deviance"] == pytest.approx(fit.deviance, rel=NINE)


@pytest.mark.parametrize("curve", ["tanh", "arctan"])
def test_bend_a_curve(lesson, curve):
    opened = lesson("#scene=curves")
    opened.page.click(f"[data-curve={curve}]")
    opened.page.click("#curves-end")
    numbers = opened.numbers()
    fit = gm.curve(f"y ~ a * {curve}(b * x)", columns(MAGNET.points), start={"a": 1, "b": 0.3}, tolerance=1e-14)
    assert numbers[f"curves-best-{curve}"] == pytest.approx(fit.deviance, rel=NINE)
    last = max(int(name.split("-")[1]) for name in numbers if name.startswith("curves-") and name.endswith("-cost"))
    assert [numbers[f"curves-{last}-{k}"] for k in "ab"] == pytest.approx(fit.coefficients, rel=NINE)


def test_the_crossover(lesson):
    opened = lesson("#scene=work")
    opened.slide("work-steps", 3)
    opened.settle()
    numbers = opened.numbers()
    assert (numbers["work-steps"], numbers["crossover"]) == (1000, 6000)
