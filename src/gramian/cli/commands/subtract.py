"""The command `gramian subtract`: a Gram without the rows of another one."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.options import FILE, output
from gramian.cli.shared_gram import alone, force, save


@click.command()
@click.argument("gram", type=FILE)
@click.argument("less", type=FILE)
@output("Write the difference to this file, replacing it.")
@force("Take rows away also where they were not added as such.")
def command(gram: Path, less: Path, output: Path, force: bool) -> None:
    """Take the rows of the Gram LESS away from GRAM.

    \b
    gramian subtract year.gram bad_day.gram -o rest.gram
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.api.arithmetic import subtract
    from gramian.cli.output import check_output_path
    from gramian.saved import load_gram

    check_output_path(output)
    with alone(output):  # it may be one of both
        save(subtract(load_gram(gram), load_gram(less), force=force), output)
