"""Output of `gramian fit` for several fits, by group or by outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from gramian.errors import OptionError
from gramian.keywords import DEFAULTS

if TYPE_CHECKING:
    from gramian.fit.groups.result import Fits

MAX_NAMED = 10  # coefficients that are listed as not determined


def groups_of(options: Mapping[str, Any]) -> str:
    """The option that makes groups; empty without one."""
    return next((f"--{name}" for name in ("by", "split", "fsplit") if options.get(name)), "")


def check_single_fit(formula: str, groups: str, *, save: bool, plot: bool) -> None:
    """Raise OptionError where several fits would go into one file (--save, --plot). groups : as `groups_of`."""
    if not (save or plot):
        return
    from gramian.formula.grammar import parse

    parsed = parse(formula)
    if groups or parsed.stands_for_several:
        origin = groups or ("sw() and the like" if parsed.right_sides else "c() of several outcomes")
        option = "--save" if save else "--plot"
        raise OptionError(
            f"{option} takes one fit, and {origin} gives more; in Python each of them can be saved and drawn, as in "
            "gm.ols(...)[key].save(path)"
        )


def check_estimator(family: str | None, ridge: float | None, options: dict[str, Any]) -> None:
    """Raise OptionError for options that do not go with --estimator."""
    others = {"family": family, "ridge": ridge, "exact": options["exact"], "decimal": options["decimal"]}
    others["solver"] = options["solver"] != DEFAULTS["solver"]
    for name, value in others.items():
        if value:
            raise OptionError(f"--estimator does not go with --{name}: it is that of a formula with instruments")


def print_fits(fits: Fits, format: str, level: float) -> None:
    """Print the fits to stdout, and dropped rows to stderr where the format has no place for them."""
    from gramian.cli.output import show
    from gramian.fit.groups import formats as fits_formats

    if format == "table":
        show(fits_formats.rendered(fits, level))
        return
    click.echo(fits_formats.FORMATS[format](fits, level))
    if format != "json":
        for line in _dropped_lines(fits):
            click.echo(line, err=True)


def _dropped_lines(fits: Fits) -> Iterator[str]:
    """Lines about dropped rows and coefficients that are not determined."""
    from gramian.fit.groups.report import describe_rows, key_heading

    if fits.dropped_rows or fits.without_rows:
        yield from describe_rows(fits)
    pairs = zip(fits.grouped.fits, fits.values(), strict=True)
    undetermined = [
        f"{key_heading(fits, key)}: not determined: {n} = {w}" for key, fit in pairs for n, w in fit.aliased.items()
    ]
    yield from islice(undetermined, MAX_NAMED)
    if len(undetermined) > MAX_NAMED:
        yield f"not determined: {len(undetermined) - MAX_NAMED:,} more"
