"""Messages of the library in the words of the command line: `vcov={'cluster': 'firm'}` is `--vcov cluster:firm`."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping

import click

from gramian.cli.vcov import vcov_text

ASSIGNED = re.compile(r"""\b([a-z_]+)=(\{[^}]*\}|\([^()]*\)|'[^']*'|"[^"]*"|[\w.+-]*\w)""")
CALL = re.compile(r"\bgm\.(\w+)\(\.\.\., (\w+)=([^()]*)\)")
DIALECT = re.compile(r"gm\.csv\(path, ([^()]*)\)")
METHOD = re.compile(r"(, or give the rows again)?, as in fits?(?:\[key\])?\.with_vcov\(([^()]*), data\)")
COMMANDS = {
    "ols": "fit",
    "ridge": "fit",
    "glm": "fit",
    "gram": "gram",
    "curve": "curve",
    "mixed": "mixed",
}  # function -> command
SUBJECT = re.compile(r"^([a-z_]+)(?= (?:must|names|says|goes|needs|has)\b)")
PAIR = re.compile(r"""['"]([^'"]+)['"]: ['"]?([^'",}]+)""")
QUOTES = "'" + '"'
SPACED = re.compile(r"[\s'\"]")


def as_flags(message: str, command: click.Command) -> str:
    """A message with keyword arguments written as options of the command; other lines than the first are formulas."""
    listed = (option for option in command.params if isinstance(option, click.Option))
    options = {option.name or "": max(option.opts, key=len) for option in listed}
    first, *others = message.split("\n")
    first = DIALECT.sub(_as_dialect, first)
    # a command that is named already needs no other one
    first = METHOD.sub(lambda found: "" if found[1] else f", as in gramian fit ... {_vcov_flag(found[2])}", first)
    first = CALL.sub(_as_command, first)
    first = SUBJECT.sub(lambda found: options.get(found[1], found[0]), first)
    return "\n".join([ASSIGNED.sub(lambda found: _as_flag(found, options), first), *others])


def _as_dialect(found: re.Match[str]) -> str:
    """How a file is written as options of a command; `decimal` of a file is not the option of a fit."""
    return found[1].replace("thousands=", "--thousands ").replace("decimal=", "--decimal-mark ").replace(", --", " --")


def _as_command(found: re.Match[str]) -> str:
    """A call of a function with one option as a command; unchanged where there is no such command."""
    if found[1] not in COMMANDS:
        return found[0]
    return f"gramian {COMMANDS[found[1]]} ... {_flag(found[2], '--' + found[2].replace('_', '-'), found[3])}"


def _as_flag(found: re.Match[str], options: Mapping[str, str]) -> str:
    """A keyword argument as an option; unchanged where the command has no such option."""
    name, value = found[1], found[2]
    if name not in options:
        return found[0]
    return _flag(name, options[name], value)


def _flag(name: str, option: str, value: str) -> str:
    """An option with its value, as it is written on the command line."""
    if value == "True":
        return option
    if name == "vcov":
        return _vcov_flag(value)
    if value.startswith("{"):
        value = ",".join(f"{key}={part}" for key, part in PAIR.findall(value))
    if value.startswith("("):
        value = ",".join(map(str, ast.literal_eval(value)))
    return f"{option} {_argument(value)}"


def _argument(value: str) -> str:
    """A value without the quotes of Python, in those of a shell where it has a space or a quote in it."""
    bare = value[1:-1] if value[:1] in QUOTES and value[-1:] == value[:1] else value
    if not SPACED.search(bare):
        return bare
    return shlex.quote(bare) if '"' in bare else f'"{bare}"'


def _vcov_flag(value: str) -> str:
    """The argument `vcov` of Python as an option."""
    return f"--vcov {vcov_text(ast.literal_eval(value)) if value.startswith('{') else _argument(value)}"
