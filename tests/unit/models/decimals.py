"""Links with fifty digits, from `decimal`: what float64 is compared with."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

DIGITS = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")


def _arctan(x: Decimal) -> Decimal:
    """By halving the angle until the series is quick."""
    halvings = 0
    while abs(x) > Decimal("0.01"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1
    total, term, k = Decimal(0), x, 1
    while abs(term) > abs(total) * Decimal(10) ** -DIGITS:
        total += term / k
        term *= -x * x
        k += 2
    return total * 2**halvings


def _upper_tail(x: Decimal) -> Decimal:
    """P(Z > x) for x >= 0: the series of the lower part near zero, a continued fraction in the tail."""
    density = (-x * x / 2).exp() / (2 * PI).sqrt()
    if x < 5:
        total, term, k = Decimal(0), x, 1
        while abs(term) > Decimal(10) ** -DIGITS:
            total += term
            k += 2
            term *= x * x / k
        return Decimal("0.5") - density * total
    fraction = x
    for k in range(800, 0, -1):
        fraction = x + k / fraction
    return density / fraction


def _probit(x: Decimal) -> tuple[Decimal, Decimal]:
    tail = _upper_tail(abs(x))
    return (tail, 1 - tail) if x < 0 else (1 - tail, tail)


def _logit(x: Decimal) -> tuple[Decimal, Decimal]:
    return 1 / (1 + (-x).exp()), 1 / (1 + x.exp())


def _cloglog(x: Decimal) -> tuple[Decimal, Decimal]:
    rest = (-x.exp()).exp()
    return 1 - rest, rest


def _cauchit(x: Decimal) -> tuple[Decimal, Decimal]:
    tail = Decimal("0.5") if x == 0 else _arctan(1 / abs(x)) / PI
    return (tail, 1 - tail) if x < 0 else (1 - tail, tail)


def _log(x: Decimal) -> tuple[Decimal, Decimal]:
    return x.exp(), 1 - x.exp()


SLOPES: dict[str, Callable[[Decimal], Decimal]] = {
    "logit": lambda x: 1 / (2 + x.exp() + (-x).exp()),
    "probit": lambda x: (-x * x / 2).exp() / (2 * PI).sqrt(),
    "cloglog": lambda x: (x - x.exp()).exp(),
    "cauchit": lambda x: 1 / (PI * (1 + x * x)),
    "log": lambda x: x.exp(),
}
MEANS = {"logit": _logit, "probit": _probit, "cloglog": _cloglog, "cauchit": _cauchit, "log": _log}


def proportion(link: str, eta: float) -> dict[str, Decimal]:
    """mu, 1 - mu, their logarithms and relative slopes."""
    with localcontext() as context:
        context.prec = 420  # 1 - mu keeps sixty digits where mu has 350 zeros
        context.Emin, context.Emax = -(10**12), 10**12
        x = Decimal(eta)
        (mu, rest), slope = MEANS[link](x), SLOPES[link](x)
        return {
            "mu": mu,
            "rest": rest,
            "log": mu.ln(),
            "log_rest": rest.ln(),
            "rate": slope / mu,
            "rest_rate": slope / rest,
        }


def poisson_deviance(y: float, mu: float) -> Decimal:
    """2 (y log(y / mu) - (y - mu))."""
    with localcontext() as context:
        context.prec = DIGITS
        a, b = Decimal(y), Decimal(mu)
        return 2 * ((a * (a / b).ln() if a else Decimal(0)) - (a - b))


def gamma_deviance(y: float, mu: float) -> Decimal:
    """2 ((y - mu) / mu - log(y / mu))."""
    with localcontext() as context:
        context.prec = DIGITS
        a, b = Decimal(y), Decimal(mu)
        return 2 * ((a - b) / b - (a / b).ln())


def binomial_deviance(y: float, mu: float) -> Decimal:
    """2 (y log(y / mu) + (1 - y) log((1 - y) / (1 - mu)))."""
    with localcontext() as context:
        context.prec = DIGITS
        a, b = Decimal(y), Decimal(mu)
        return poisson_deviance(y, mu) + 2 * ((a - b) + ((1 - a) * ((1 - a) / (1 - b)).ln() if a < 1 else Decimal(0)))


def negative_binomial_deviance(y: float, mu: float, theta: float) -> Decimal:
    """2 (y log(y / mu) - (y + theta) log((y + theta) / (mu + theta)))."""
    with localcontext() as context:
        context.prec = DIGITS
        a, b, t = Decimal(y), Decimal(mu), Decimal(theta)
        return 2 * ((a * (a / b).ln() if a else Decimal(0)) - (a + t) * ((a + t) / (b + t)).ln())
