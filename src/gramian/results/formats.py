"""Fits as text in the formats that the command line offers: table, JSON, CSV, Markdown, LaTeX."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gramian.results.format_numbers import p_value, printable, significant
from gramian.results.tables import columns

if TYPE_CHECKING:
    from gramian.results.estimates import Estimates

# A bracket after the end of a row would be read as an option of \\, so it is put in braces.
LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>()#+-.!|~$"} | {"&": "&amp;"})


def as_table(fit: Estimates, level: float = 0.95) -> str:
    """The summary as plain text."""
    return fit.summary(level)


def as_json(fit: Estimates, level: float = 0.95) -> str:
    """JSON of `to_dict`, whose schema is `gramian.fit/1`."""
    return json_text(fit.to_dict(level))


def json_text(content: Mapping[str, Any]) -> str:
    """A dict as JSON."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(fit: Estimates, level: float = 0.95) -> str:
    """The columns of `tidy` as CSV: numbers with all digits, empty where unknown."""
    values = columns(fit, level)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["term", *values])
    for name, *row in zip(fit.names, *(v.tolist() for v in values.values()), strict=True):
        writer.writerow([name, *("" if math.isnan(v) else repr(v) for v in row)])
    return out.getvalue().removesuffix("\n")


def as_markdown(fit: Estimates, level: float = 0.95) -> str:
    """The table of coefficients in GitHub's Markdown."""
    headings = _headings(fit)
    lines = ["| " + " | ".join(headings) + " |", "|:--|" + "--:|" * (len(headings) - 1)]
    lines += [f"| {name.translate(MARKDOWN)} | {' | '.join(cells)} |" for name, cells in _rows(fit, level)]
    return "\n".join(lines)


def as_latex(fit: Estimates, level: float = 0.95) -> str:
    """The table of coefficients as a LaTeX `tabular` with the rules of the package booktabs."""
    headings = _headings(fit)
    head = " & ".join(headings).replace("p-value", "$p$-value")
    lines = [r"\begin{tabular}{l" + "r" * (len(headings) - 1) + "}", r"\toprule", head + r" \\", r"\midrule"]
    lines += [" & ".join([_latex(name), *map(_latex_number, cells)]) + r" \\" for name, cells in _rows(fit, level)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


FORMATS: dict[str, Callable[[Estimates, float], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "md": as_markdown,
    "latex": as_latex,
}


def _headings(fit: Estimates) -> tuple[str, ...]:
    """Headings of the columns."""
    return ("term", "estimate", "std. error", fit.statistic, "p-value", "low", "high")


def _rows(fit: Estimates, level: float) -> list[tuple[str, list[str]]]:
    """Name and formatted numbers of each coefficient."""
    rows = zip(*(v.tolist() for v in columns(fit, level).values()), strict=True)
    out = []
    for name, (estimate, error, t, p, low, high, *_) in zip(fit.names, rows, strict=True):
        numbers = (significant(estimate, 6), significant(error, 4), significant(t, 4))
        out.append((printable(name), [*numbers, p_value(p), significant(low, 6), significant(high, 6)]))
    return out


def _latex(text: str) -> str:
    """Text with the characters escaped that LaTeX treats as commands."""
    return "".join(LATEX.get(c, c) for c in text)


def _latex_number(text: str) -> str:
    """A formatted number in math mode, with its exponent as a power of ten."""
    mantissa, power, exponent = text.partition("e")
    less_than = "<" * text.startswith("<")
    digits = mantissa.removeprefix("<") + (rf" \times 10^{{{int(exponent)}}}" if power else "")
    return f"${less_than}{digits}$" if text else ""
