"""The command `gramian fit`: a linear or generalized linear model from files or Grams."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gramian.cli.bootstrap import Boot, Draws, boot_of, boot_options, check_drawable
from gramian.cli.digits import accuracy, check_certified
from gramian.cli.drawing import check_plot, plot, save_and_draw
from gramian.cli.fits import check_estimator, check_single_fit, groups_of, print_fits
from gramian.cli.models import FORMATS, LEVEL, print_fit
from gramian.cli.options import (
    DATA,
    FILE,
    check_formula,
    data,
    engine,
    engine_for,
    files,
    missing_rows,
    progress,
    run_policy,
    where_option,
)
from gramian.cli.shared_gram import grams_of
from gramian.cli.shared_path import find_group
from gramian.cli.vcov import HELP as VCOV_HELP
from gramian.cli.vcov import parse_vcov
from gramian.errors import OptionError
from gramian.fit.passes.options import COLLINEAR, DECIMAL, SOLVERS
from gramian.keywords import (
    DEFAULTS,
    ESTIMATORS,
    SEPARATIONS,
    EngineKeywords,
    GlmKeywords,
    IteratedKeywords,
    IvKeywords,
    LinearKeywords,
    RunKeywords,
    StoredKeywords,
    names_of,
)

if TYPE_CHECKING:
    from gramian.fit.gram.result import Gram
    from gramian.fit.groups.result import Fits
    from gramian.results.estimates import Estimates

    Choice = click.Choice[str]
else:  # the class has no parameter before click 8.2
    Choice = click.Choice

FAMILIES = (
    "binomial", "poisson", "gamma", "inverse_gaussian", "gaussian", "negative_binomial", "quasibinomial",
    "quasipoisson",
)  # fmt: skip
BINOMIAL_LINKS = ("logit", "probit", "cloglog", "cauchit")
LINKS = ("logit", "probit", "cloglog", "cauchit", "log", "identity", "inverse", "inverse_squared", "sqrt")
LINEAR_ONLY = names_of(LinearKeywords, without=GlmKeywords)  # options that do not go with --family
FAMILY_ONLY = ("link", *names_of(IteratedKeywords))  # options that go with --family
RUN_OPTIONS = names_of(RunKeywords, without=EngineKeywords)  # options that a plan does not depend on
GRAM_OPTIONS = ("ridge", "estimator", "format", "by", *names_of(StoredKeywords))  # what a fit from sums can have
WITHOUT_MEANING = "--collinear has no meaning with --ridge: a penalised fit keeps every column"
WITHOUT_VCOV = "--vcov has no meaning with --ridge: the covariance of a penalised fit is its own"


class Family(Choice):
    """A family; where a link is given instead, the message says how to ask for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The family. Raises BadParameter for another name."""
        if value in BINOMIAL_LINKS:
            self.fail(f"'{value}' is a link; write --family binomial --link {value}", param, ctx)
        return super().convert(value, param, ctx)


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option(
    "--family",
    metavar="NAME",
    type=Family(FAMILIES),
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
@click.option(
    "--information",
    metavar="NAME",
    type=click.Choice(["expected", "observed"]),
    help="With --family: what standard errors are made of.  [default: expected]",
)
@click.option(
    "--separation",
    metavar="NAME",
    type=click.Choice(SEPARATIONS),
    help="With --family: rows that columns separate are an error, or left out and counted.  [default: error]",
)
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column (analytic weights, as in R's lm).")
@click.option("--counts", metavar="COLUMN", help="Let a row stand for as many rows as this column says.")
@click.option("--by", metavar="COLUMN", multiple=True, help="Fit each value of this column by itself; may be repeated.")
@click.option("--split", metavar="COLUMN", help="The same for one column, as fixest calls it.")
@click.option("--fsplit", metavar="COLUMN", help='The same, and all its values together, under "Full sample".')
@click.option(
    "--vcov",
    metavar="NAME",
    default=DEFAULTS["vcov"],
    show_default=True,
    help=VCOV_HELP,
)
@click.option("--like", metavar="NAME", help="Make robust standard errors like R, statsmodels, stata or fixest.")
@boot_options
@click.option(
    "--ridge", metavar="ALPHA", type=float, help="Add ALPHA times the squared slopes (as scikit-learn's Ridge)."
)
@click.option("--estimator", type=click.Choice(ESTIMATORS), help="Of instruments, y ~ w + [x ~ z].  [default: 2sls]")
@missing_rows
@click.option(
    "--collinear",
    type=click.Choice(COLLINEAR),
    default=DEFAULTS["collinear"],
    show_default=True,
    help="Leave out columns that others explain, take the minimum-norm solution, or refuse them.",
)
@click.option(
    "--solver",
    type=click.Choice(SOLVERS),
    default=DEFAULTS["solver"],
    show_default=True,
    help="Sum products of columns, iterate, or sum products of rows, for very many columns.",
)
@click.option("--digits", metavar="N", type=float, help="Certified digits of every coefficient to reach.  [default: 8]")
@click.option("--strict", is_flag=True, help="Fail with exit code 4 where these digits cannot be certified.")
@click.option("--exact", is_flag=True, help="Sum without rounding: the same bits in any order, every digit right.")
@click.option(
    "--decimal",
    type=click.Choice(DECIMAL),
    help="Take decimals as the nearest float64, or with exact sums as what they say.  [default: float64]",
)
@engine
@run_policy
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
    **option_values: Any,
) -> None:
    """Fit a linear model in one pass over DATA, or with --family a generalized linear model in a few.

    DATA may be .gram files of `gramian gram`: they are added, and no rows are read.

    \b
    gramian fit "arr_delay ~ dep_delay + carrier" flights.parquet
    gramian fit "y ~ x + poly(z, 2) + factor(month)" "2024/*.csv" --save y.fit
    gramian fit "late ~ dep_delay + carrier" flights.parquet --family binomial
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.output import check_different_outputs, check_output_path
    from gramian.data.source import source_of

    check_formula(formula, data, "fit")
    check_plot(plot)
    check_single_fit(formula, groups_of(option_values), save=save is not None, plot=plot is not None)
    boot = boot_of(option_values, option_values["format"])
    fit: Estimates | Fits
    if (grams := grams_of(data)) is not None:
        check_output_path(save, data)
        with accuracy(strict=strict):
            fit = _fit_grams(formula, grams, gram, explain, **option_values)
            if strict:
                check_certified(fit)
        _output(fit, option_values["format"], save, plot, draws=_drawn(boot, fit, grams))
        return
    source, options = source_of(files(data)), _options(**option_values)
    check_different_outputs(save=save, gram=gram, plot=plot, checkpoint=option_values["checkpoint"])
    for place in (save, gram, option_values["checkpoint"]):
        check_output_path(place, (read.name for read in source.inputs))
    if explain:
        _explain(formula, source, options, boot)
        return
    with accuracy(strict=strict):
        fit = _fit_data(formula, source, options, gram, progress)
        if strict:
            check_certified(fit)
        draws = _drawn(boot, fit, None, engine_for(option_values["engine"], option_values["threads"]))
    _output(fit, option_values["format"], save, plot, source, draws)


def _fit_data(
    formula: str, source: Any, options: dict[str, Any], gram: Path | None, progress: bool
) -> Estimates | Fits:
    """Fit to the rows, and save their sums where `gram` is a path."""
    return (
        _fit(formula, source, options, progress)
        if gram is None
        else _fit_and_save_gram(formula, source, options, gram, progress)
    )


def _drawn(boot: Boot | None, fit: Estimates | Fits, data: Any, engine: Any = None) -> Draws | None:
    """The draws of a fit, where they are asked for."""
    if boot is None:
        return None
    check_drawable(fit)
    return boot.of(fit, data, engine)


def _output(
    fit: Estimates | Fits,
    format: str,
    save: Path | None,
    plot: Path | None,
    source: Any = None,
    draws: Draws | None = None,
) -> None:
    """Print fits; print one with its draws, save it, draw it."""
    if isinstance(fit, Mapping):
        print_fits(fit, format, LEVEL)
    else:
        print_fit(fit, format, draws)
        save_and_draw(fit, save, plot, source)


def _fit_grams(formula: str, grams: Gram, gram: Path | None, explain: bool, **option_values: Any) -> Estimates | Fits:
    """Fit from the sums in Grams. Raises OptionError for options that need rows."""
    parameter_source = click.get_current_context().get_parameter_source
    # Every option has a value, so ask click which ones were written on the command line.
    unsupported = [
        n for n in option_values if n not in GRAM_OPTIONS and parameter_source(n) is ParameterSource.COMMANDLINE
    ]
    unsupported += [name for name, value in (("gram", gram), ("explain", explain)) if value]
    if unsupported:
        raise OptionError(
            f"--{unsupported[0].replace('_', '-')} does not go with .gram files: their rows have been read"
        )
    if option_values["by"] and option_values["by"] != grams.by:
        stored = f"those of {' and '.join(grams.by)}" if grams.by else "none"
        raise OptionError(f"--by {' --by '.join(option_values['by'])}: their sums are not kept; there are {stored}")
    where = where_option()
    if option_values["by"] and where is not None:
        raise OptionError("--where names one group and --by asks for all of them: take one of the two")
    group = find_group(grams, where)
    model_options: dict[str, Any] = {"each": bool(option_values["by"]), "where": group}
    if option_values["estimator"] is not None:
        model_options = {"estimator": option_values["estimator"], "where": group}
    if option_values["digits"] is not None:
        model_options["digits"] = option_values["digits"]
    if option_values["ridge"] is None:
        vcov = parse_vcov(option_values["vcov"])
        fit: Estimates | Fits = (grams.ols if option_values["estimator"] is None else grams.iv)(
            formula, collinear=option_values["collinear"], vcov=vcov, like=option_values["like"], **model_options
        )
        return fit
    if option_values["collinear"] != "drop":
        raise OptionError(WITHOUT_MEANING)
    if (option_values["vcov"], option_values["like"]) != ("iid", None):
        raise OptionError(WITHOUT_VCOV)
    return grams.ridge(option_values["ridge"], formula, **model_options)  # type: ignore[no-any-return]  # a fit, or several


def _fit_and_save_gram(
    formula: str, source: Any, options: dict[str, Any], target: Path, progress: bool
) -> Estimates | Fits:
    """Fit, and save the sums of the first pass."""
    from gramian.api.sums import fit_and_gram
    from gramian.cli.progress import watching
    from gramian.formula.grammar import parse

    if options["family"] is not None:
        raise OptionError("--gram does not go with --family: its sums hold for one step of the iteration only")
    if groups_of(options) or options["checkpoint"] is not None or options["skip_bad"]:
        raise OptionError("--gram does not go with --by, --checkpoint or --skip-bad; use gramian gram")
    if parse(formula).stands_for_several:
        raise OptionError("--gram takes one fit: name one outcome; a numeric term of a Gram can be one, too")
    settings = {name: value for name, value in options.items() if name not in ("family", *RUN_OPTIONS)}
    with watching(progress) as watch:
        fit, sums = fit_and_gram(formula, source, **settings, progress=watch)
    sums.save(target)
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
    **options: Any,
) -> dict[str, Any]:
    """Options of the public functions from those of the command.

    Raises OptionError for options that exclude each other.
    """
    if ridge is not None and collinear != "drop":
        raise OptionError(WITHOUT_MEANING)
    if ridge is not None and (options["vcov"], options["like"]) != ("iid", None):
        raise OptionError(WITHOUT_VCOV)
    if family is not None and options.pop("solver") != "auto":
        raise OptionError("--solver does not go with --family: a generalized linear fit sums products of columns")
    options["vcov"] = parse_vcov(options["vcov"])
    family_options = {name: value for name in FAMILY_ONLY if (value := options.pop(name, None)) is not None}
    if family is None and family_options:
        option = next(iter(family_options)).replace("_", "-")
        raise OptionError(f"--{option} goes with --family; without one the model is linear")
    if (estimator := options.pop("estimator")) is not None:
        check_estimator(family, ridge, options)
        options["estimator"] = estimator
    if by:
        options["by"] = list(by)
    for name in ("split", "fsplit"):
        if options[name] is None:
            del options[name]
    # An option that was not given is left out, so that the public function's default holds.
    for name in (*LINEAR_ONLY, "counts"):
        if options[name] is None or options[name] is False:
            del options[name]
        elif (family is not None and name != "counts") or (ridge is not None and name in ("exact", "decimal")):
            raise OptionError(f"--{name} does not go with {'--family' if family is not None else '--ridge'}")
    if ridge is not None and family is None:
        del options["vcov"], options["like"]
    run_options = {"engine": engine_for(engine, threads), "alpha": ridge, "collinear": collinear}
    return {**options, **family_options, "family": family, **run_options}


def _explain(formula: str, source: Any, options: dict[str, Any], boot: Boot | None) -> None:
    """Print the plan of the fit, and of its draws."""
    from gramian.api.planned import plan

    planned = {name: value for name, value in options.items() if name not in RUN_OPTIONS}
    click.echo(str(plan(formula, source, **planned)))
    if boot is not None:
        click.echo(boot.explained())


def _fit(formula: str, source: Any, options: dict[str, Any], progress: bool) -> Estimates | Fits:
    """Call the public function for the model."""
    from gramian import glm, iv, ols, ridge
    from gramian.cli.progress import watching

    alpha, collinear, family = (options.pop(name) for name in ("alpha", "collinear", "family"))
    estimator = options.pop("estimator", None)
    # With a checkpoint the run can continue later, so that SIGTERM may end it.
    with watching(progress, stoppable=options["checkpoint"] is not None) as watch:
        fit: Estimates | Fits
        if family is not None:
            fit = glm(formula, source, family, ridge=alpha, collinear=collinear, progress=watch, **options)
            return fit
        if estimator is not None:
            own = {name: value for name, value in options.items() if name in names_of(IvKeywords)}
            fit = iv(formula, source, estimator=estimator, collinear=collinear, progress=watch, **own)
            return fit
        if alpha is None:
            fit = ols(formula, source, collinear=collinear, progress=watch, **options)
        else:
            fit = ridge(formula, source, alpha, progress=watch, **options)
        return fit
