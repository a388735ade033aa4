"""Arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from gramian.cli.stdin import with_stdin
from gramian.errors import OptionError
from gramian.fit.passes.options import NA
from gramian.keywords import DEFAULTS

F = TypeVar("F", bound=Any)

FILE = click.Path(path_type=Path)
DATA = (
    "DATA: files (.parquet, .csv, .csv.gz, .tsv, .json, .orc, .arrow), folders of them, quoted patterns, addresses as "
    "s3://bucket/*.parquet, - for the standard input, or the table of a database, as sqlite:///file.db?table=t, "
    "duckdb:///file.db?query=SELECT... or postgresql://user@host/name?table=t."
)


CSV = {
    "--sep": ("CHAR", "Of CSV: what separates fields.  [default: the comma, semicolon or tab of the first line]"),
    "--decimal-mark": ("CHAR", "Of CSV: what stands before decimals.  [default: .]"),
    "--thousands": ("CHAR", "Of CSV: what groups the digits of a number, as the comma in 47,386."),
    "--encoding": ("NAME", "Of CSV: the encoding of the text, such as latin-1.  [default: utf-8]"),
}
# options of one meaning -> what `gm.csv` calls it
HEADERS: dict[str, Callable[[Any], Any]] = {
    "header": bool,
    "header_line": lambda line: line - 1,
    "column_names": lambda names: [name.strip() for name in names.split(",")],
}


def data(command: F) -> F:
    """Decorator that adds the files to read, DATA, which of their rows, and how CSV files are written."""
    argument = click.argument("data", nargs=-1, required=True, metavar="DATA...", callback=with_stdin)
    return argument(csv_options(command))


def optional_data(command: F) -> F:
    """The same where a command does without DATA."""
    return click.argument("data", nargs=-1, metavar="[DATA]...", callback=with_stdin)(csv_options(command))


def csv_options(command: F) -> F:
    """Decorator that adds which rows are read, and how CSV files are written, for `files`."""
    missing = click.option(
        "--na-values",
        metavar="TEXT",
        multiple=True,
        expose_value=False,
        callback=_remember,
        help="Of CSV: a text that is a missing value, too; can be repeated.",
    )
    header = click.option(
        "--header/--no-header",
        default=None,
        expose_value=False,
        callback=_remember,
        help="Of CSV: whether the first line names the columns; without, they are V1, V2, ...  [default: it does]",
    )
    line = click.option(
        "--header-line",
        metavar="N",
        type=click.IntRange(1),
        expose_value=False,
        callback=_remember,
        help="Of CSV: number of the line that names the columns; those before it are skipped.  [default: 1]",
    )
    names = click.option(
        "--column-names",
        metavar="NAMES",
        expose_value=False,
        callback=_remember,
        help="Of CSV without names: those of all columns, with commas between.",
    )
    where = click.option(
        "--where",
        metavar="CONDITION",
        expose_value=False,
        callback=_remember_where,
        help="Rows that enter, as \"x > 0 & carrier == 'AA'\"; of .gram files the group, a,b of two columns.",
    )
    command = names(line(command))
    for option, (metavar, text) in reversed(CSV.items()):
        command = click.option(option, metavar=metavar, expose_value=False, callback=_remember, help=text)(command)
    panel = click.option(
        "--panel-id",
        metavar="PANEL,TIME",
        expose_value=False,
        callback=_remember_panel,
        help="Columns of panels and times, by which rows are in order: then there are lags as l(x, 1).",
    )
    return where(panel(missing(header(command))))


def _remember(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    """Keep an option of CSV that was given for `files`."""
    if value is not None and value != ():
        name = str(option.name).removesuffix("_mark")  # --decimal says something else
        given = ctx.meta.setdefault(f"{__name__}.csv", {})
        if name in HEADERS:
            if "header" in given:
                raise OptionError("--header, --header-line and --column-names say the same thing: give one of them")
            name, value = "header", HEADERS[name](value)
        given[name] = value


def _remember_where(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    """Keep the condition on rows for `files`."""
    if value is not None:
        ctx.meta[f"{__name__}.where"] = value


def _remember_panel(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    """Keep the columns of panels and times for `files`."""
    if value is not None:
        names = tuple(value.split(","))
        if len(names) != 2:
            raise OptionError(f"--panel-id {value}: name the columns of panels and times, as in --panel-id firm,year")
        ctx.meta[f"{__name__}.panel"] = names


def where_option() -> str | None:
    """What was given as --where."""
    where: str | None = click.get_current_context().meta.get(f"{__name__}.where")
    return where


def files(paths: Sequence[str]) -> Any:
    """The files to read, with what the command line says of how CSV files are written."""
    meta = click.get_current_context().meta
    options, where = meta.get(f"{__name__}.csv"), where_option()
    found: Any = list(paths)
    if options:
        from gramian.api.text_files import csv

        found = csv(found, **options)
    panel = meta.get(f"{__name__}.panel")
    if where is None and panel is None:
        return found
    from gramian.api.rows import rows

    return rows(found, where, panel)


def check_formula(formula: str, data: tuple[str, ...], command: str, example: str = "y ~ x") -> None:
    """Raise OptionError for a formula without '~': most likely a shell split it, or it changed places with DATA."""
    if "~" in formula:
        return
    for entry in data:
        if "~" in entry:
            raise OptionError(f'the formula comes first and the data after it: gramian {command} "{entry}" {formula}')
    raise OptionError(f"the formula '{formula}' has no '~'; quote it, as in gramian {command} \"{example}\" {data[-1]}")


def missing_rows(command: F) -> F:
    """Decorator that adds --na."""
    return click.option(
        "--na",
        type=click.Choice(NA),
        default=DEFAULTS["na"],
        show_default=True,
        help="Leave incomplete rows out, or refuse them.",
    )(command)


def engine(command: F) -> F:
    """Decorator that adds --threads and --engine."""
    threads = click.option(
        "--threads", metavar="N", type=int, help="Read with so many threads.  [default: one per core]"
    )
    named = click.option(
        "--engine",
        type=click.Choice(("local", "dask", "spark")),
        default="local",
        show_default=True,
        help="Read on threads of this machine, on the workers of Dask (the scheduler at DASK_SCHEDULER_ADDRESS), or on "
        "those of Spark (as its configuration says).",
    )
    return threads(named(command))


def engine_for(name: str, threads: int | None) -> Any:
    """The engine for these options. Raises OptionError for --threads with workers of a cluster."""
    if name == "local":
        from gramian.engines.local import Local

        return Local(threads)
    if threads is not None:
        raise OptionError(
            f"--threads does not go with --engine {name}; its workers have as many as they were started with"
        )
    from gramian.engines.choice import engine_of

    return engine_of(name)


def checkpoint(command: F) -> F:
    """Decorator that adds --checkpoint."""
    return click.option(
        "--checkpoint",
        metavar="FILE",
        type=FILE,
        help="Keep the sums in this file every two seconds; after an interrupt the same command goes on from it.",
    )(command)


def run_policy(command: F) -> F:
    """Decorator that adds --checkpoint and --skip-bad."""
    skip_bad = click.option(
        "--skip-bad", is_flag=True, help="Leave out files and row groups that cannot be read, and name them."
    )
    return checkpoint(skip_bad(command))


def output(text: str) -> Callable[[F], F]:
    """Decorator that adds -o with this help."""
    return click.option("-o", "--output", metavar="FILE", type=FILE, required=True, help=text)


def progress(command: F) -> F:
    """Decorator that adds --progress and --no-progress."""
    return click.option(
        "--progress/--no-progress",
        default=True,
        show_default=True,
        help="Show on stderr how far the reading is: a bar on a terminal, a line every 10 seconds otherwise.",
    )(command)
