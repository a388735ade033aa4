"""Messages of the library in the words of the command line: `vcov={'cluster': 'firm'}` is `--vcov cluster:firm`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click

ASSIGNED = re.compile(r"""\b([a-z_]+)=(\{[^}]*\}|'[^']*'|"[^"]*"|[\w.+-]*\w)""")
SUBJECT = re.compile(r"^([a-z_]+)(?= (?:must|names|says|goes|needs|has)\b)")
PAIR = re.compile(r"""['"]([^'"]+)['"]: ['"]?([^'",}]+)""")
QUOTES = "'" + '"'
SIGNS = {"vcov": ":"}  # between a name and its value, where it is not "="


def as_flags(message: str, command: click.Command) -> str:
    """A message with keyword arguments written as options of the command; other lines than the first are formulas."""
    listed = (option for option in command.params if isinstance(option, click.Option))
    options = {option.name or "": max(option.opts, key=len) for option in listed}
    first, *others = message.split("\n")
    first = SUBJECT.sub(lambda found: options.get(found[1], found[0]), first)
    return "\n".join([ASSIGNED.sub(lambda found: _as_flag(found, options), first), *others])


def _as_flag(found: re.Match[str], options: Mapping[str, str]) -> str:
    """A keyword argument as an option; unchanged where the command has no such option."""
    name, value = found[1], found[2]
    if name not in options:
        return found[0]
    if value == "True":
        return options[name]
    if value.startswith("{"):
        value = ",".join(f"{key}{SIGNS.get(name, '=')}{part}" for key, part in PAIR.findall(value))
    return f"{options[name]} {value.strip(QUOTES)}"
