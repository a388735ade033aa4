"""The command `gramian lesson`: the normal equation on a page to play with."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.options import DATA, files, optional_data, output


@click.command(epilog=DATA)
@click.argument("formula", required=False)
@optional_data
@output("Write the page to this file, replacing it.")
def command(formula: str | None, data: tuple[str, ...], output: Path) -> None:
    """Write a page about the normal equation to play with: drag a point, and every matrix changes.

    FORMULA has one predictor, and DATA at most 200 rows; without them the page shows two worked examples. It is one
    file that needs no network.

    \b
    gramian lesson -o lesson.html
    gramian lesson "price ~ size" houses.csv -o lesson.html
    """  # noqa: D301  # click keeps the lines after a backspace, not after a backslash
    from gramian.cli.options import check_formula
    from gramian.cli.output import check_output_path, replacing
    from gramian.data.source import source_of
    from gramian.errors import OptionError
    from gramian.lessons import lesson

    if formula is None:
        check_output_path(output)
        page = lesson()
    else:
        if not data:
            raise OptionError(f"'{formula}' needs DATA; without both, gramian lesson shows two worked examples")
        check_formula(formula, data, "lesson")
        source = source_of(files(data))
        check_output_path(output, (read.name for read in source.inputs))
        page = lesson(formula, source)
    with replacing(output) as temporary:
        page.save(temporary)
    click.echo(f"written to {output}", err=True)
