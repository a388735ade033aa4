"""`gramian fit`: a linear or generalized linear model from files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gramian.cli.digits import accuracy
from gramian.cli.drawing import check_plot, plot, write_plot
from gramian.cli.fits import check_alone, print_fits
from gramian.cli.grams import grams_of
from gramian.cli.models import group
from gramian.cli.options import DATA, FILE, data, engine, engine_for, lasting, progress
from gramian.cli.vcov import asked as asked_vcov
from gramian.errors import OptionError
from gramian.fit.options import COLLINEAR, NA, SOLVERS

if TYPE_CHECKING:
    from gramian.results.fits import Fits
    from gramian.results.formats import Fit
    from gramian.results.gram import Gram

FORMATS = ("table", "json", "csv", "md", "latex")
LEVEL = 0.95
FAMILIES = (
    "binomial", "poisson", "gamma", "inverse_gaussian", "gaussian", "negative_binomial", "quasibinomial",
    "quasipoisson",
)  # fmt: skip
LINKS = ("logit", "probit", "cloglog", "cauchit", "log", "identity", "inverse", "inverse_squared", "sqrt")
LINEAR = ("counts", "digits", "exact", "decimal")  # options that do not go with --family
ITERATED = ("link", "theta", "offset", "tolerance", "max_passes")  # options that go with --family
HINTS = {"counts": "; use --weights"}
LASTING = ("checkpoint", "skip_bad")  # options that a plan does not depend on
FROM_GRAM = ("ridge", "collinear", "format", "digits", "vcov", "like", "by", "where")  # what a fit from sums can have
WITHOUT_MEANING = "--collinear has no meaning with --ridge: a penalised fit keeps every column"
WITHOUT_VCOV = "--vcov has no meaning with --ridge: the covariance of a penalised fit is its own"
NAMED = 10  # columns left out that are named one by one


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option(
    "--family",
    metavar="NAME",
    type=click.Choice(FAMILIES),
    help=f"Fit a generalized linear model: {', '.join(FAMILIES)}.",
)
@click.option(
    "--link", metavar="NAME", type=click.Choice(LINKS), help=f"With --family: {', '.join(LINKS)}.  [default: as in R]"
)
@click.option("--theta", metavar="X", type=float, help="Of negative_binomial.  [default: estimated]")
@click.option("--offset", metavar="COLUMN", help="With --family: add this column to the linear predictor.")
@click.option(
    "--tolerance",
    metavar="X",
    type=float,
    help="With --family: stop at this error in standard errors.  [default: 1e-8]",
)
@click.option("--max-passes", metavar="N", type=int, help="With --family: read the data so often.  [default: 25]")
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column (analytic weights, as in R's lm).")
@click.option("--counts", metavar="COLUMN", help="Let a row stand for as many rows as this column says.")
@click.option("--by", metavar="COLUMN", multiple=True, help="Fit every value of this column apart; may be repeated.")
@click.option("--where", metavar="GROUP", help="Fit this group only, of .gram files made with --by; several: a,b.")
@click.option(
    "--vcov",
    metavar="RECIPE",
    default="iid",
    show_default=True,
    help="Make standard errors by iid, HC0, HC1, HC2, HC3, or by clusters: cluster:COLUMN, cluster:A,B, cluster:A:CR3.",
)
@click.option("--like", metavar="NAME", help="Make robust standard errors like R, statsmodels, stata or fixest.")
@click.option(
    "--ridge", metavar="ALPHA", type=float, help="Add ALPHA times the squared slopes (as scikit-learn's Ridge)."
)
@click.option(
    "--na", type=click.Choice(NA), default="drop", show_default=True, help="Leave incomplete rows out, or refuse them."
)
@click.option(
    "--collinear",
    type=click.Choice(COLLINEAR),
    default="drop",
    show_default=True,
    help="Leave out columns that others explain, take the minimum-norm solution, or refuse them.",
)
@click.option(
    "--solver",
    type=click.Choice(SOLVERS),
    default="auto",
    show_default=True,
    help="Sum products of columns, iterate, or sum products of rows, for very many columns.",
)
@click.option("--digits", metavar="N", type=float, help="Certified digits wanted of every coefficient.  [default: 8]")
@click.option("--strict", is_flag=True, help="Fail with exit code 4 where these digits cannot be certified.")
@click.option("--exact", is_flag=True, help="Sum without rounding: the same bits in any order, every digit right.")
@click.option(
    "--decimal",
    type=click.Choice(("float64", "exact")),
    help="Take decimals as the nearest float64, or with exact sums as what they say.  [default: float64]",
)
@engine
@lasting
@click.option(
    "--format", type=click.Choice(FORMATS), default="table", show_default=True, help="Print the result as this."
)
@click.option("--save", metavar="FIT", type=FILE, help="Save the fit to this file, to predict from it later.")
@click.option(
    "--gram", metavar="FILE", type=FILE, help="Save the sums of the pass, too, for further models without the data."
)
@plot("the fitted line, its calibration or its residuals, in one more pass,")
@click.option("--explain", is_flag=True, help="Say what would be read, how often and why, and stop before the pass.")
@progress
def command(
    formula: str,
    data: tuple[str, ...],
    save: Path | None,
    gram: Path | None,
    plot: Path | None,
    explain: bool,
    strict: bool,
    progress: bool,
    **given: Any,
) -> None:
    """Fit a linear model in one pass over DATA, or with --family a generalized linear model in a few.

    DATA may be .gram files of `gramian gram`: they are added, and no rows are read.

    \b
    gramian fit "arr_delay ~ dep_delay + carrier" flights.parquet
    gramian fit "y ~ x + poly(z, 2) + factor(month)" "2024/*.csv" --save y.fit
    gramian fit "late ~ dep_delay + carrier" flights.parquet --family binomial
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.output import check_place
    from gramian.data.source import source_of

    if "~" not in formula:  # most likely a shell took it apart
        raise OptionError(f"the formula '{formula}' has no '~'; quote it, as in gramian fit \"y ~ x\" {data[-1]}")
    check_plot(plot)
    check_alone(formula, given["by"], save=save is not None, plot=plot is not None)
    made: Fit | Fits
    if (grams := grams_of(data)) is not None:
        check_place(save, data)
        with accuracy(strict=strict):
            made = _fit_grams(formula, grams, gram, explain, **given)
        if isinstance(made, Mapping):
            print_fits(made, given["format"], LEVEL)
        else:
            _tell(made, given["format"], save, plot)
        return
    source, options = source_of(list(data)), _options(**given)
    for place in (save, gram, given["checkpoint"]):
        check_place(place, (read.name for read in source.inputs))
    if explain:
        _explain(formula, source, options)
        return
    with accuracy(strict=strict):
        made = _made(formula, source, options, gram, progress)
    if isinstance(made, Mapping):
        print_fits(made, given["format"], LEVEL)
    else:
        _tell(made, given["format"], save, plot, source)


def _made(formula: str, source: Any, options: dict[str, Any], gram: Path | None, progress: bool) -> Fit | Fits:
    return _fit(formula, source, options, progress) if gram is None else _keep(formula, source, options, gram, progress)


def _tell(fit: Fit, format: str, save: Path | None, plot: Path | None, source: Any = None) -> None:
    """Print a fit, save it, draw it."""
    _print(fit, format)
    if save is not None:
        fit.save(save)
        click.echo(f"saved to {save}", err=True)
    if plot is not None:
        write_plot(fit.plot(source), plot)


def _fit_grams(formula: str, grams: Gram, gram: Path | None, explain: bool, **given: Any) -> Fit | Fits:
    """A fit from sums that are there."""
    source_of = click.get_current_context().get_parameter_source
    said = [n for n in given if n not in FROM_GRAM and source_of(n) is ParameterSource.COMMANDLINE]
    said += [name for name, value in (("gram", gram), ("explain", explain)) if value]
    if said:
        raise OptionError(f"--{said[0].replace('_', '-')} does not go with .gram files: their rows have been read")
    if given["by"] and given["by"] != grams.by:
        there = f"those of {' and '.join(grams.by)}" if grams.by else "none"
        raise OptionError(f"--by {' --by '.join(given['by'])}: their sums are not kept; there are {there}")
    if given["by"] and given["where"] is not None:
        raise OptionError("--where names one group and --by asks for all of them: take one of the two")
    asked: dict[str, Any] = {"each": bool(given["by"]), "where": group(grams, given["where"])}
    if given["digits"] is not None:
        asked["digits"] = given["digits"]
    if given["ridge"] is None:
        vcov = asked_vcov(given["vcov"])
        made: Fit | Fits = grams.ols(formula, collinear=given["collinear"], vcov=vcov, like=given["like"], **asked)
        return made
    if given["collinear"] != "drop":
        raise OptionError(WITHOUT_MEANING)
    if (given["vcov"], given["like"]) != ("iid", None):
        raise OptionError(WITHOUT_VCOV)
    return grams.ridge(given["ridge"], formula, **asked)  # type: ignore[no-any-return]  # a fit, or several


def _keep(formula: str, source: Any, options: dict[str, Any], target: Path, progress: bool) -> Fit | Fits:
    """A fit, and the sums of its first pass as a file."""
    from gramian.fit.keeping import Keeping
    from gramian.fit.several import has_several
    from gramian.results.gram import Gram

    if options["family"] is not None:
        raise OptionError("--gram does not go with --family: its sums hold for one step of the iteration only")
    if options.get("by") or options["checkpoint"] is not None or options["skip_bad"]:
        raise OptionError("--gram does not go with --by, --checkpoint or --skip-bad; use gramian gram")
    if has_several(formula):
        raise OptionError("--gram takes one fit: name one outcome; a numeric term of a Gram can be one, too")
    engine = Keeping(options["engine"])
    fit = _fit(formula, source, {**options, "engine": engine}, progress)
    Gram(engine.gathered(source)).save(target)
    click.echo(f"sums saved to {target}", err=True)
    return fit


def _options(
    *,
    ridge: float | None,
    engine: str,
    threads: int | None,
    collinear: str,
    family: str | None,
    format: str,
    by: tuple[str, ...],
    **same: Any,
) -> dict[str, Any]:
    """The options of the api's functions; a penalty is named as they name it."""
    if ridge is not None and collinear != "drop":
        raise OptionError(WITHOUT_MEANING)
    if ridge is not None and (same["vcov"], same["like"]) != ("iid", None):
        raise OptionError(WITHOUT_VCOV)
    if family is not None and same.pop("solver") != "auto":
        raise OptionError("--solver does not go with --family: a generalized linear fit sums products of columns")
    if same.pop("where") is not None:
        raise OptionError("--where goes with .gram files made with --by; of data, --by fits every group")
    same["vcov"] = asked_vcov(same["vcov"])
    iterated = {name: value for name in ITERATED if (value := same.pop(name)) is not None}
    if family is None and iterated:
        option = next(iter(iterated)).replace("_", "-")
        raise OptionError(f"--{option} goes with --family; without one the model is linear")
    if family is not None and by:
        raise OptionError("--by does not go with --family; fit one group after another")
    if by:
        same["by"] = list(by)
    for name in LINEAR:
        if same[name] is None or same[name] is False:
            del same[name]
        elif family is not None or (ridge is not None and name in ("exact", "decimal")):
            raise OptionError(
                f"--{name} does not go with {'--family' if family is not None else '--ridge'}{HINTS.get(name, '')}"
            )
    if ridge is not None and family is None:
        del same["vcov"], same["like"]
    runs = {"engine": engine_for(engine, threads), "alpha": ridge, "collinear": collinear}
    return {**same, **iterated, "family": family, **runs}


def _explain(formula: str, source: Any, options: dict[str, Any]) -> None:
    from gramian.api import plan

    planned = {name: value for name, value in options.items() if name not in LASTING}
    click.echo(str(plan(formula, source, **planned)))


def _fit(formula: str, source: Any, options: dict[str, Any], progress: bool) -> Fit | Fits:
    from gramian.api import glm, ols, ridge
    from gramian.cli.progress import watching

    alpha, collinear, family = (options.pop(name) for name in ("alpha", "collinear", "family"))
    with watching(progress, stoppable=options["checkpoint"] is not None) as watch:
        if family is not None:
            return glm(formula, source, family, ridge=alpha, collinear=collinear, progress=watch, **options)
        fit: Fit | Fits
        if alpha is None:
            fit = ols(formula, source, collinear=collinear, progress=watch, **options)
        else:
            fit = ridge(formula, source, alpha, progress=watch, **options)
        return fit


def _print(fit: Fit, format: str) -> None:
    from gramian.cli.output import show
    from gramian.results import formats

    if format == "table":
        show(formats.rendered(fit))
        return
    click.echo(formats.FORMATS[format](fit, LEVEL))
    if format != "json":
        for line in _beside(fit):
            click.echo(line, err=True)


def _beside(fit: Fit) -> Iterator[str]:
    """What was left out, where the format has no place for it."""
    if fit.dropped_rows:
        causes = ", ".join(f"{n:,} {cause}" for cause, n in fit.dropped_rows.items())
        yield f"{fit.rows:,} rows; left out: {causes}"
    for name, what in islice(fit.aliased.items(), NAMED):
        yield f"not determined: {name} = {what}"
    if len(fit.aliased) > NAMED:
        yield f"not determined: {len(fit.aliased) - NAMED:,} more"
