"""A derivation as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from gramian.derivation.document import GAP, Block, Document, Equation, Grid, Math, Piece, Say, Show, Tabulate
from gramian.results.format_numbers import printable

PROSE_WIDTH, MATRIX_WIDTH = 88, 100  # characters of a line of prose, of a matrix
INDENT = "    "


def text(document: Document) -> str:
    """The document in lines of at most 100 characters, unless a name is longer."""
    title = _inline(document.title)
    parts = [f"{title}\n{'=' * len(title)}", *map(_block, document.opening)]
    for number, section in enumerate(document.sections, start=1):
        head = f"{number}. {section.title}"
        parts += [f"\n{head}\n{'-' * len(head)}", *map(_block, section.blocks)]
    return "\n\n".join(parts)


def _block(block: Block) -> str:
    """Text of a block."""
    match block:
        case Say():
            return "\n".join(wrap(_inline(block.pieces), PROSE_WIDTH, break_long_words=False, break_on_hyphens=False))
        case Equation():
            return INDENT + block.text
        case Show():
            return f"{INDENT}{block.text} =\n\n" + _matrix(block.grid, brackets=True)
        case Tabulate():
            return _matrix(block.grid, brackets=False)


def _inline(pieces: tuple[Piece, ...]) -> str:
    """Text of a paragraph's pieces."""
    return "".join(p if isinstance(p, str) else p.text if isinstance(p, Math) else printable(p.text) for p in pieces)


def _matrix(grid: Grid, *, brackets: bool) -> str:
    """Numbers with labels, decimal points below each other, split into panels where lines would be too long."""
    stub = _padded(["", *map(printable, grid.rows)])
    columns = [_column(label, [row[j] for row in grid.cells]) for j, label in enumerate(grid.columns)]
    panels = list(_panels(columns, MATRIX_WIDTH - len(INDENT) - len(stub[0]) - 4))
    last = len(panels) - 1
    ends = (("[ " if brackets and k == 0 else "  ", " ]" if brackets and k == last else "") for k in range(len(panels)))
    return "\n\n".join(_panel(stub, panel, *end) for panel, end in zip(panels, ends, strict=True))


def _panels(columns: list[list[str]], width: int) -> Iterator[list[list[str]]]:
    """Columns in groups that fit side by side."""
    panel: list[list[str]] = []
    for column in columns:
        if panel and sum(len(c[0]) + 2 for c in panel) + len(column[0]) > width:
            yield panel
            panel = []
        panel.append(column)
    yield panel


def _panel(stub: list[str], panel: list[list[str]], opening: str, closing: str) -> str:
    """Lines of one panel: labels and numbers, with brackets around the numbers but not the heading."""
    lines = []
    for i, label in enumerate(stub):
        left, right = (opening, closing) if i else ("  ", "")
        inner = "  ".join(column[i] for column in panel)
        lines.append(f"{INDENT}{label} {left}{inner}{right}".rstrip())
    return "\n".join(lines)


def _column(label: str, cells: list[str]) -> list[str]:
    """A heading and its numbers, padded to the same width."""
    tails = [0 if cell == GAP else len(cell) - _point(cell) for cell in cells]
    longest = max(tails)
    aligned = [cell if cell == GAP else cell + " " * (longest - tail) for cell, tail in zip(cells, tails, strict=True)]
    lines = [printable(label), *aligned]
    width = max(map(len, lines))
    return [line.rjust(width) for line in lines]


def _padded(labels: list[str]) -> list[str]:
    """Labels padded to the same width, numbers to the right."""
    width = max(map(len, labels))
    numbers = all(label.isdigit() or label in ("", GAP) for label in labels)
    return [label.rjust(width) if numbers else label.ljust(width) for label in labels]


def _point(cell: str) -> int:
    """Position of the decimal point; where there is none, the position after the last digit."""
    return next((i for i, c in enumerate(cell) if c in ".e"), len(cell))
