"""A table of fits as text, Markdown, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.results.format_numbers import printable
from gramian.results.formats import LATEX, MARKDOWN
from gramian.results.html import in_page, paragraph, table_html
from gramian.results.regression_table import Line, RegressionTable
from gramian.results.report import to_text

NUMBERS = str.maketrans({c: f"\\{c}" for c in "*[]|<"})  # what is markup in cells of numbers


def text(table: RegressionTable) -> str:
    """The table as plain text."""
    return to_text(render(table))


def render(table: RegressionTable) -> list[RenderableType]:
    """The table and its notes as parts that rich's console can print."""
    out = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    out.add_column("", no_wrap=True)
    for heading, outcome in zip(table.headings, table.outcomes, strict=True):
        out.add_column(
            Text(f"{printable(heading)}\n{printable(outcome)}", justify="right"), justify="right", no_wrap=True
        )
    points = _points([*table.coefficients, *table.statistics])
    for lines, ends in ((table.coefficients, True), (table.statistics, False)):
        for i, line in enumerate(lines):
            cells = [_padded(cell, width) for cell, width in zip(line.cells, points, strict=True)]
            out.add_row(Text(printable(line.label)), *map(Text, cells), end_section=ends and i == len(lines) - 1)
    return [out, *(Text(note, style="dim") for note in table.notes)]


def markdown(table: RegressionTable) -> str:
    """The table in GitHub's Markdown."""
    heads = [f"{h}<br>{o}" for h, o in _heads(table, lambda t: printable(t).translate(MARKDOWN))]
    lines = ["| | " + " | ".join(heads) + " |", "|:--|" + "--:|" * len(heads)]
    for line in (*table.coefficients, *table.statistics):
        cells = [printable(line.label).translate(MARKDOWN), *(cell.translate(NUMBERS) for cell in line.cells)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"{printable(note).translate(NUMBERS)}  " for note in table.notes)]).rstrip()


def latex(table: RegressionTable) -> str:
    """The table as a LaTeX `tabular` with the rules of the package booktabs."""
    heads = _heads(table, _latex)
    lines = [r"\begin{tabular}{l" + "r" * len(heads) + "}", r"\toprule"]
    lines += [" & ".join(["", *(pair[i] for pair in heads)]) + r" \\" for i in (0, 1)] + [r"\midrule"]
    lines += [_latex_line(line) for line in table.coefficients]
    lines += [r"\midrule", *map(_latex_line, table.statistics)] if table.statistics else []
    notes = [rf"\multicolumn{{{len(heads) + 1}}}{{l}}{{\footnotesize {_latex(note)}}} \\" for note in table.notes]
    return "\n".join([*lines, r"\bottomrule", *notes, r"\end{tabular}"])


def html(table: RegressionTable) -> str:
    """The table as one HTML element, in the colours of the page."""
    rows = [[printable(line.label), *line.cells] for line in (*table.coefficients, *table.statistics)]
    outcomes = ["", *map(printable, table.outcomes)]
    headings = ["", *map(printable, table.headings)]
    rules = (0, 1 + len(table.coefficients)) if table.statistics else (0,)
    body = [outcomes, *rows]
    return in_page([table_html(headings, body, tuple(r for r in rules if r)), paragraph(table.notes, "dim")])


def _heads(table: RegressionTable, escape: object) -> list[tuple[str, str]]:
    """Name and outcome of each fit, escaped."""
    assert callable(escape)
    return [(escape(h), escape(o)) for h, o in zip(table.headings, table.outcomes, strict=True)]


def _points(lines: Sequence[Line]) -> list[int]:
    """For each column the most characters that stand behind a decimal point, or behind a number without one."""
    return [
        max((_tail(cell) for cell in cells), default=0) for cells in zip(*(line.cells for line in lines), strict=True)
    ]


def _tail(cell: str) -> int:
    """Characters behind the first decimal point, or what follows the number where there is none; 0 of an interval."""
    if not cell or ("," in cell and not cell.replace(",", "").isdigit()):
        return 0
    point = cell.find(".")
    return len(cell) - point - 1 if point >= 0 else len(cell) - len(cell.rstrip("*)]}"))


def _padded(cell: str, width: int) -> str:
    """A cell with so many characters behind its decimal point."""
    if not cell or ("," in cell and not cell.replace(",", "").isdigit()):
        return cell
    short = width - _tail(cell) + (0 if "." in cell else 1)
    return cell + " " * max(short, 0)


def _latex_line(line: Line) -> str:
    """A line with its numbers in math mode and stars as superscripts."""
    return " & ".join([_latex(line.label), *map(_latex_cell, line.cells)]) + r" \\"


def _latex_cell(cell: str) -> str:
    """A cell: stars as a superscript, a minus as one, exponents as powers of ten."""
    marks = len(cell) - len(cell.rstrip("*"))
    body = cell.rstrip("*")
    mantissa, power, exponent = body.partition("e")
    if power and exponent.lstrip("+-").rstrip(")]}").isdigit():
        closing = exponent[len(exponent.rstrip(")]}")) :]
        body = rf"{mantissa} \times 10^{{{int(exponent.rstrip(')]}'))}}}{closing}"
    body = body.replace("{", r"\{").replace("}", r"\}") if cell.startswith("{") else body
    return f"${body}^{{{'*' * marks}}}$" if marks else f"${body}$" if body else ""


def _latex(text: str) -> str:
    """Text with the characters escaped that LaTeX treats as commands."""
    return "".join(LATEX.get(c, c) for c in printable(text))
