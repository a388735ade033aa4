"""One page from its modules, styles and scenes: nothing is loaded from elsewhere.

A module of the page imports and exports in one form only, a statement at the start of a line:

    import { a, b } from "./other.js";       export const name = ...      export function name

so that each becomes a function that returns its exports, in an order in which what is imported comes first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath
from typing import Any

IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[\w./-]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:const|function\*?) ([\w$]+)", re.MULTILINE)
STATEMENT = re.compile(r"^(?:import|export)\b", re.MULTILINE)
SCENE = re.compile(r"^<!-- (scenes/\w+\.html) -->$", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/\n?", re.DOTALL)


def page(data: Mapping[str, Any]) -> str:
    """The page with these data."""
    text = SCENE.sub(lambda m: _read(m[1]).strip(), _read("page.html"))
    text = text.replace("/* STYLE */", "\n" + COMMENT.sub("", "".join(_styles())), 1)
    text = text.replace("/* DATA */", in_script(data), 1)
    return text.replace("/* SCRIPT */", script("main.js"), 1)


def in_script(data: Mapping[str, Any]) -> str:
    """JSON that may stand in a <script>: names of columns cannot end it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def script(entry: str) -> str:
    """A module and all that it imports as one text."""
    return "\n".join(_as_function(name, text) for name, text in _in_order(entry, {}, ()).items())


def _in_order(name: str, done: dict[str, str], above: tuple[str, ...]) -> dict[str, str]:
    """Modules by name, those that are imported before those that import them. above : modules that led here."""
    if name in above:
        raise ValueError(f"modules import each other: {' -> '.join([*above, name])}")
    if name not in done:
        text = _read(name)
        for _, other in IMPORT.findall(text):
            _in_order(_path(name, other), done, (*above, name))
        done[name] = text
    return done


def _as_function(name: str, text: str) -> str:
    """A module as a constant: what it exports."""
    exports = EXPORT.findall(text)
    body = IMPORT.sub(lambda m: f"const {{{m[1].replace(' as ', ': ')}}} = {_constant(_path(name, m[2]))};", text)
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    if len(STATEMENT.findall(text)) != len(exports) + len(IMPORT.findall(text)):
        raise ValueError(f"{name} imports or exports in a form that cannot be inlined")
    return f"const {_constant(name)} = (() => {{ // {name}\n{body}return {{ {', '.join(exports)} }};\n}})();\n"


def _constant(name: str) -> str:
    """Name of the constant of a module."""
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _path(name: str, other: str) -> str:
    """A path that is written in a module, from the folder of the page."""
    return normpath(join(dirname(name), other))


def _folder() -> Traversable:
    return files("gramian.lessons") / "page"


def _styles() -> Iterator[str]:
    """Style sheets in the order of their names."""
    sheets = sorted((_folder() / "style").iterdir(), key=lambda file: file.name)
    yield from (sheet.read_text(encoding="utf-8") for sheet in sheets)


def _read(name: str) -> str:
    """A file of the page."""
    return _folder().joinpath(*name.split("/")).read_text(encoding="utf-8")
