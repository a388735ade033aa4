"""The command `gramian`: finds a command, runs it, and turns errors into messages and exit codes.

Modules of commands import nothing but click at their top. Numerical libraries are imported when a command runs, so
that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from gramian.cli.exit_codes import discard_unread_output, open_missing_streams, report_error
from gramian.errors import GramianError, did_you_mean
from gramian.version import __version__

COMMANDS = (
    "fit", "gram", "add", "subtract", "update", "path", "cv", "select", "rolling", "curve", "mixed", "panel",
    "predict", "table", "compare-grams", "compare", "derive", "lesson", "inspect",
)  # fmt: skip


class Commands(click.Group):
    """The group of commands; the module of a command is imported when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with this name, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"gramian.cli.commands.{cmd_name.replace('-', '_')}").command
        command.name = cmd_name  # the function of every module is called `command`
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name. Raises UsageError with the most similar name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or f"; there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"no command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> int:
        """Run the command, and return the exit code."""
        try:
            super().invoke(ctx)
            # Here, so that a closed pipe is noticed before Python ends.
            sys.stdout.flush()
        except BrokenPipeError:
            return discard_unread_output()
        except GramianError as error:
            return report_error(error, self.get_command(ctx, ctx.invoked_subcommand or ""))
        return 0


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Commands, invoke_without_command=True, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="gramian", message="%(prog)s %(version)s")
@click.pass_context
def gramian(ctx: click.Context) -> None:
    """Linear models on data of any size, in one pass."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line, and return its exit code.

    args : without the name of the program; those of the process by default.
    """
    open_missing_streams()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a name must not end a run
        code: int = gramian.main(args, prog_name="gramian", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        return report_error(error)
    return code
