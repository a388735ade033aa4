"""Results as HTML for notebooks: real tables, in the colours of the page, whether it is light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

import pyarrow as pa
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

CLASS = "gramian"
LINE = "rgba(128, 128, 128, 0.6)"  # seen on white and on black
# Notebooks have striped tables with colours of their own; text and background here are those of the page.
STYLE = f"""
.{CLASS} {{ line-height: 1.45; overflow-x: auto; }}
.{CLASS} p {{ margin: 0.5em 0; }}
.{CLASS} p.title {{ font-weight: 600; }}
.{CLASS} p.dim {{ opacity: 0.7; font-size: 90%; }}
.{CLASS} table {{ border-collapse: collapse; margin: 0.5em 0; border-top: 2px solid {LINE}; }}
.{CLASS} table {{ border-bottom: 2px solid {LINE}; font-variant-numeric: tabular-nums; color: inherit; }}
.{CLASS} th, .{CLASS} td {{ padding: 0.15em 0.8em; text-align: right; background: none; white-space: nowrap; }}
.{CLASS} thead th {{ border-bottom: 1px solid {LINE}; font-weight: 600; }}
.{CLASS} th:first-child, .{CLASS} td:first-child {{ text-align: left; }}
.{CLASS} tr.rule td, .{CLASS} tr.rule th {{ border-top: 1px solid {LINE}; }}
.{CLASS} tbody tr {{ background: none; }}
.{CLASS} tbody tr:hover {{ background: rgba(128, 128, 128, 0.15); }}
"""
FIGURE_SPACE = "\u2007"  # as wide as a digit, so that decimal points stay below each other


def to_html(parts: Iterable[RenderableType]) -> str:
    """Parts of a report as one <div>; texts that follow each other are one paragraph, an empty one begins another."""
    out = []
    for kind, group in groupby(parts, key=_kind):
        if kind == "table":
            out += [_table(part) for part in group if isinstance(part, Table)]
        elif kind != "gap":
            out.append(paragraph([_plain(part) for part in group], "dim" if kind == "dim" else "" if out else "title"))
    return in_page(out)


def arrow_html(title: str, table: pa.Table) -> str:
    """An Arrow table with a title, numbers with six significant digits."""
    columns = [[_cell(value) for value in column] for column in table.to_pydict().values()]
    return in_page([paragraph([title], "title"), table_html(table.column_names, list(zip(*columns, strict=True)))])


def paragraph(lines: Iterable[str], style: str = "") -> str:
    """Lines as a paragraph; nothing without lines. style : "title", "dim" or nothing."""
    text = "<br/>".join(escape(line) for line in lines)
    return f'<p class="{style}">{text}</p>' if text and style else f"<p>{text}</p>" if text else ""


def in_page(blocks: Iterable[str]) -> str:
    """Blocks of HTML as one <div> with its style."""
    markup = "\n".join([f'<div class="{CLASS}">', f"<style>{STYLE}</style>", *blocks, "</div>"])
    return markup.encode("ascii", "xmlcharrefreplace").decode()  # right whatever encoding a page declares


def table_html(headings: Sequence[str], rows: Iterable[Sequence[str]], rules: Sequence[int] = ()) -> str:
    """A table of texts. rules : numbers of the rows that a line is drawn above."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = []
    for number, (name, *cells) in enumerate(rows):
        style = ' class="rule"' if number in rules else ""
        columns = "".join(f"<td>{escape(_spaced(cell))}</td>" for cell in cells)
        body.append(f'<tr{style}><th scope="row">{escape(name)}</th>{columns}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _table(table: Table) -> str:
    """A table of rich."""
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    return table_html([_plain(column.header) for column in table.columns], list(zip(*columns, strict=True)))


def _cell(value: object) -> str:
    """A value of an Arrow table as text; a list of names with commas."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else ", ".join(value) if isinstance(value, list) else str(value)


def _kind(part: RenderableType) -> str:
    """What a part becomes."""
    if isinstance(part, Table):
        return "table"
    if not _plain(part).strip():
        return "gap"
    return "dim" if isinstance(part, Text) and "dim" in str(part.style) else "text"


def _plain(part: RenderableType) -> str:
    """The text of a part."""
    return part.plain if isinstance(part, Text) else str(part)


def _spaced(text: str) -> str:
    """A cell whose spaces at the ends, which align numbers, are as wide as digits."""
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" ")) if inner else 0
    return FIGURE_SPACE * before + inner + FIGURE_SPACE * (len(text) - before - len(inner) if inner else 0)
