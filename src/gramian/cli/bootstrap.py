"""The options --boot, --boot-type, --boot-weights and --seed of `gramian fit`: draws of a fit, in a table after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from gramian.errors import OptionError

if TYPE_CHECKING:
    from rich.console import RenderableType

F = TypeVar("F", bound=Any)
WILD, PAIRS, POISSON, JACKKNIFE = "wild", "pairs", "poisson", "jackknife"
TYPES = (WILD, PAIRS, POISSON, JACKKNIFE)
NAMES = ("boot", "boot_type", "boot_weights", "seed")
FORMATS = ("table", "json")
DRAWS = 999
FEWEST = 39  # draws that have an interval of level 0.95


class Draws(Protocol):
    """What draws give: a bootstrap, wild tests or a jackknife."""

    def render(self) -> list[RenderableType]:
        """Parts that rich can print."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""


def boot_options(command: F) -> F:
    """Decorator that adds the options."""
    options = (
        click.option("--boot", metavar="N", type=click.IntRange(1), help=f"Make N draws, too.  [default: {DRAWS}]"),
        click.option(
            "--boot-type",
            type=click.Choice(TYPES),
            help="Of --boot: residuals of clusters change their sign (wild), clusters (pairs) or rows (poisson) are "
            "drawn, or each cluster is left out (jackknife).  [default: wild with clusters, else poisson]",
        ),
        click.option(
            "--boot-weights", metavar="NAME", help="Distribution of the weights, such as webb or exponential."
        ),
        click.option(
            "--seed", metavar="N", type=click.IntRange(0), help="Of the draws; the same seed, the same result."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Boot:
    """Draws that were asked for.

    Attributes
    ----------
    kind : str
        One of `TYPES`.
    draws : int
        Their number.
    weights : str or None
        Distribution of the weights.
    seed : int or None
        Of the random numbers.
    """

    kind: str
    draws: int
    weights: str | None
    seed: int | None

    def explained(self) -> str:
        """What it will do, as a line of a plan."""
        if self.kind == POISSON:
            what = f"products of k columns for each of {self.draws:,} draws of rows: 4 k (k + 3) bytes a draw"
            return f"draws    one more pass adds {what}"
        draws = "leaves each cluster out" if self.kind == JACKKNIFE else f"makes {self.draws:,} draws ({self.kind})"
        return f"draws    one more pass adds products by cluster, and {draws} without the rows"

    def of(self, fit: Any, data: Any, engine: Any) -> Draws:
        """The draws of a linear fit. data : its rows, or a Gram with sums by cluster."""
        return _DRAW[self.kind](self, fit, data, engine)


def boot_of(values: dict[str, Any], format: str) -> Boot | None:
    """The draws that options ask for, which are taken out of `values`; None without any.

    Raises OptionError for options that do not go together.
    """
    draws, kind, weights, seed = (values.pop(name) for name in NAMES)
    if draws is None and kind is None:
        for name, value in (("--boot-weights", weights), ("--seed", seed)):
            if value is not None:
                raise OptionError(f"{name} goes with --boot")
        return None
    clustered = str(values["vcov"]).startswith("cluster:")
    kind = kind or (WILD if clustered else POISSON)
    if kind != POISSON and not clustered:
        raise OptionError(
            f"--boot-type {kind} needs clusters: add --vcov cluster:COLUMN, or take --boot-type {POISSON}"
        )
    if kind == JACKKNIFE and (draws, weights, seed) != (None, None, None):
        raise OptionError("a jackknife has no draws: it leaves each cluster out once; take --boot-type jackknife alone")
    if kind in (PAIRS, POISSON) and draws is not None and draws < FEWEST:
        raise OptionError(f"--boot {draws} is too few for an interval: take {FEWEST} draws or more")
    if weights is not None and weights not in (known := _distributions(kind)):
        raise OptionError(f"--boot-weights of {kind} draws are {', '.join(known)}, found {weights}")
    _check(values, format)
    return Boot(kind, draws or DRAWS, weights, seed)


def _distributions(kind: str) -> tuple[str, ...]:
    """Distributions of the weights of draws."""
    from gramian.inference.draws.cluster_weights import DRAW_WEIGHTS
    from gramian.inference.draws.row_weights import ROW_WEIGHTS
    from gramian.inference.draws.sign_weights import WEIGHTS

    return tuple({WILD: WEIGHTS, PAIRS: DRAW_WEIGHTS, POISSON: ROW_WEIGHTS}[kind])


def _check(values: Mapping[str, Any], format: str) -> None:
    """Raise OptionError where there is not one linear fit to draw, or no place to print the draws."""
    for name in ("family", "ridge", "by", "split", "fsplit", "estimator"):
        if values.get(name):
            raise OptionError(f"--boot is of one linear fit: it does not go with --{name}")
    if format not in FORMATS:
        raise OptionError(f"--boot prints as {' or '.join(FORMATS)}, found --format {format}")


def _wild(boot: Boot, fit: Any, data: Any, engine: Any) -> Draws:
    from gramian.fit.bootstrap.choice import seed_of
    from gramian.fit.bootstrap.sums import sums_of
    from gramian.fit.bootstrap.tested import wild_tests
    from gramian.fit.bootstrap.wild import WildOptions

    options = WildOptions(boot.draws, boot.weights or "rademacher", seed_of(boot.seed))
    return wild_tests(fit.solved, sums_of(fit.solved, fit.fitted_rows, data, None, engine), options)


def _drawn(by: str) -> Callable[[Boot, Any, Any, Any], Draws]:
    """Draws of clusters, or of rows."""

    def draw(boot: Boot, fit: Any, data: Any, engine: Any) -> Draws:
        found: Draws = fit.bootstrap(data, by=by, draws=boot.draws, weights=boot.weights, seed=boot.seed, engine=engine)
        return found

    return draw


def _left_out(boot: Boot, fit: Any, data: Any, engine: Any) -> Draws:
    found: Draws = fit.jackknife(data, engine=engine)
    return found


_DRAW = {WILD: _wild, PAIRS: _drawn("cluster"), POISSON: _drawn("row"), JACKKNIFE: _left_out}


def check_drawable(fit: Any) -> None:
    """Raise OptionError for several fits, and for models without draws."""
    from gramian.fit.linear.result import LinearFit

    if isinstance(fit, Mapping):
        raise OptionError("--boot is of one fit, and this formula gives several: name one outcome and one model")
    if not isinstance(fit, LinearFit):
        raise OptionError(f"--boot is of a linear fit with sums of products, and this is a {type(fit).__name__}")
