"""A derivation as Markdown with LaTeX between dollars, as GitHub and Jupyter show it."""

from __future__ import annotations

from gramian.derivation.document import GAP, Block, Document, Equation, Grid, Math, Piece, Say, Show, Tabulate
from gramian.derivation.notation import latex, latex_number
from gramian.results.format_numbers import printable
from gramian.results.formats import MARKDOWN

DOTS = r"\cdots"


def markdown(document: Document) -> str:
    """The document as Markdown."""
    parts = [f"# {_inline(document.title)}", *map(_block, document.opening)]
    for number, section in enumerate(document.sections, start=1):
        parts += [f"## {number}. {section.title}", *map(_block, section.blocks)]
    return "\n\n".join(parts)


def _block(block: Block) -> str:
    """Markdown of a block."""
    match block:
        case Say():
            return _inline(block.pieces)
        case Equation():
            return _display(latex(block.text))
        case Show():
            matrix = _display(f"{latex(block.text)} = {_matrix(block.grid)}")
            return f"{matrix}\n\n{_caption(block.grid)}"
        case Tabulate():
            return _table(block.grid)


def _inline(pieces: tuple[Piece, ...]) -> str:
    """Markdown of a paragraph's pieces."""
    return "".join(map(_piece, pieces))


def _piece(piece: Piece) -> str:
    """Markdown of a piece."""
    if isinstance(piece, str):
        return piece
    return f"${latex(piece.text)}$" if isinstance(piece, Math) else _name(piece.text)


def _name(text: str) -> str:
    """A name on one line, escaped."""
    return printable(text).translate(MARKDOWN)


def _display(text: str) -> str:
    """LaTeX on a line of its own."""
    return f"$$\n{text}\n$$"


def _matrix(grid: Grid) -> str:
    """LaTeX of a matrix, one line for each row."""
    rows = " \\\\\n".join(" & ".join(map(_number, row)) for row in grid.cells)
    return f"\\begin{{pmatrix}}\n{rows}\n\\end{{pmatrix}}"


def _number(cell: str) -> str:
    """LaTeX of a cell."""
    return DOTS if cell == GAP else latex_number(cell)


def _caption(grid: Grid) -> str:
    """What rows and columns stand for."""
    if grid.rows == grid.columns:
        return f"*Rows and columns: {_labels(grid.rows)}.*"
    if len(grid.columns) == 1:
        return f"*Rows: {_labels(grid.rows)}.*"
    return f"*Rows: {_labels(grid.rows)}. Columns: {_labels(grid.columns)}.*"


def _labels(labels: tuple[str, ...]) -> str:
    """Labels with commas between them, or the range of data rows."""
    if len(labels) > 1 and labels[0] == "1" and labels[-1].isdigit():
        return f"data rows 1 to {labels[-1]}"
    return ", ".join(map(_name, labels))


def _table(grid: Grid) -> str:
    """Markdown of a table."""
    lines = ["| row | " + " | ".join(map(_name, grid.columns)) + " |", "|--:|" + "--:|" * len(grid.columns)]
    lines += [f"| {label} | {' | '.join(map(_cell, row))} |" for label, row in zip(grid.rows, grid.cells, strict=True)]
    return "\n".join(lines)


def _cell(cell: str) -> str:
    """Markdown of a table's cell."""
    return GAP if cell == GAP else f"${latex_number(cell)}$"
