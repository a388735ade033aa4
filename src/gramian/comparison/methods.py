"""The iterative methods that are compared: how each starts, what is predicted of it, what it has to be given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gramian.linalg.iterative import conjugate, descent
from gramian.linalg.iterative.quadratic import Quadratic
from gramian.typing import Vector

NORMAL, STOCHASTIC = "normal-equation", "sgd"
Rate = Callable[[Quadratic], float]


@dataclass(frozen=True, slots=True)
class Method:
    """An iterative method on a quadratic.

    iterates : from zero. predicted : steps to so many digits, by theory. chosen : what had to be chosen, in words.
    flops : (q) of one step. products : with A in one step, a pass over the rows each if there were no moments, and
    before : further ones before the first step. rate : of a method that is told in closed form, None for others.
    """

    name: str
    title: str
    iterates: Callable[[Quadratic], Iterator[Vector]]
    predicted: Callable[[Quadratic, float], float]
    chosen: Callable[[Quadratic], str]
    flops: Callable[[int], float]
    products: int = 1
    setup_products: int = 0
    rate: Rate | None = None


def fixed_rate(rate: float) -> Method:
    """Gradient descent with a rate chosen by hand."""
    return Method(
        "gradient-descent",
        "gradient descent, fixed rate",
        lambda f: descent.gradient_descent(f.A, f.c, rate),
        lambda f, digits: descent.fixed_rate_steps(digits, f.values[0], f.values[-1], rate),
        lambda f: f"rate {rate:g}",
        lambda q: 2.0 * q * q + 3.0 * q,
        rate=lambda f: rate,
    )


def _best_rate(f: Quadratic) -> float:
    return descent.best_rate(float(f.values[0]), float(f.values[-1]))


BEST_RATE = Method(
    "best-rate",
    "gradient descent, best rate",
    lambda f: descent.gradient_descent(f.A, f.c, _best_rate(f)),
    lambda f, digits: descent.best_rate_steps(digits, f.condition),
    lambda f: f"rate {_best_rate(f):.3g}, from both extreme eigenvalues",
    lambda q: 2.0 * q * q + 3.0 * q,
    rate=_best_rate,
)
LINE_SEARCH = Method(
    "line-search",
    "gradient descent, line search",
    lambda f: descent.line_search(f.A, f.c),
    lambda f, digits: descent.best_rate_steps(digits, f.condition),
    lambda f: "nothing",
    lambda q: 4.0 * q * q + 8.0 * q,
    products=2,
)
NESTEROV = Method(
    "nesterov",
    "Nesterov's accelerated gradient",
    lambda f: descent.nesterov(f.A, f.c, 1.0 / float(f.values[-1]), descent.best_momentum(f.condition)),
    lambda f, digits: descent.nesterov_steps(digits, f.condition),
    lambda f: f"rate {1.0 / f.values[-1]:.3g} and momentum {descent.best_momentum(f.condition):.7g}, from eigenvalues",
    lambda q: 2.0 * q * q + 6.0 * q,
)
CONJUGATE_GRADIENT = Method(
    "conjugate-gradient",
    "conjugate gradient",
    lambda f: conjugate.conjugate_gradient(f.A, f.c),
    lambda f, digits: conjugate.conjugate_steps(digits, f.condition, len(f.values)),
    lambda f: "nothing",
    lambda q: 2.0 * q * q + 10.0 * q,
    setup_products=1,
)
L_BFGS = Method(
    "l-bfgs",
    "L-BFGS, line search",
    lambda f: conjugate.lbfgs(f.A, f.c),
    lambda f, digits: conjugate.conjugate_steps(digits, f.condition, len(f.values)),
    lambda f: f"memory {conjugate.MEMORY}",
    lambda q: 2.0 * q * q + (14.0 + 8.0 * conjugate.MEMORY) * q,
    setup_products=1,
)
AUTOMATIC = (BEST_RATE, LINE_SEARCH, NESTEROV, CONJUGATE_GRADIENT, L_BFGS)
NAMES = (NORMAL, "gradient-descent", *(m.name for m in AUTOMATIC), STOCHASTIC)
TITLES = {
    NORMAL: "normal equation",
    "gradient-descent": "gradient descent, fixed rate",
    **{m.name: m.title for m in AUTOMATIC},
    STOCHASTIC: "stochastic gradient descent",
}


def iterative(rate: float) -> dict[str, Method]:
    """Methods by name, in the order in which they are told."""
    return {m.name: m for m in (fixed_rate(rate), *AUTOMATIC)}
