"""The command `gramian add`: the sum of Grams."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.options import FILE, output
from gramian.cli.shared_gram import alone, force, save


@click.command()
@click.argument("gram", nargs=-1, required=True, type=FILE, metavar="GRAM...")
@output("Write the sum to this file, replacing it.")
@force("Add also what is there already.")
def command(gram: tuple[Path, ...], output: Path, force: bool) -> None:
    """Add the rows of several GRAM files of the same terms.

    \b
    gramian add 2023.gram 2024.gram -o both.gram
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.api.arithmetic import add
    from gramian.cli.output import check_output_path
    from gramian.saved import load_gram

    check_output_path(output)
    with alone(output):  # it may be one of those that are added
        total = load_gram(gram[0])
        for path in gram[1:]:
            total = add(total, load_gram(path), force=force)
        save(total, output)
