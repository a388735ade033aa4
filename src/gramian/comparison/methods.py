"""Iterative methods that are compared: their iterations, predictions, costs, and what has to be chosen for them."""

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
    """An iterative method for a quadratic f(b) = b'Ab/2 - c'b with q coefficients.

    Attributes
    ----------
    name, title : str
        Name in options and tables, and in words.
    iterates : callable
        Iterator of coefficients from zero, for a quadratic.
    predicted : callable
        Steps to a number of digits by theory, for a quadratic and digits.
    chosen : callable
        What had to be chosen, in words, for a quadratic.
    flops : callable
        Floating-point operations of one step, for q.
    products : int
        Products with A in one step; each would be a pass over the rows, if there were no moments.
    setup_products : int
        Further products before the first step.
    rate : callable or None
        Constant rate, for methods whose errors have a closed form.
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
    """The rate 2 / (l_min + l_max), for the eigenvalues l of A, which contracts the error most in the worst case."""
    return descent.best_rate(float(f.values[0]), float(f.values[-1]))


# Flops count 2 q^2 for a product with A, and 2 q for every product or sum of vectors.
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
    """Iterative methods by name, in the order of the table."""
    return {m.name: m for m in (fixed_rate(rate), *AUTOMATIC)}
