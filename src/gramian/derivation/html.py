"""A derivation as one HTML element with MathML and style, without scripts or links."""

from __future__ import annotations

from html import escape

from gramian.derivation.document import GAP, Block, Document, Equation, Grid, Line, Math, Piece, Say, Show, Tabulate
from gramian.derivation.notation import mathml, mathml_number
from gramian.results.format_numbers import printable

CLASS = "gramian-derivation"
STYLE = f"""
.{CLASS} {{ max-width: 60em; line-height: 1.5; }}
.{CLASS} .wide {{ overflow: auto hidden; margin: 0.6em 0 0.6em 2em; padding: 0.2em 0; }}
.{CLASS} math {{ font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "DejaVu Math TeX Gyre", math; }}
.{CLASS} .wide math {{ display: inline math; }}
.{CLASS} mtd {{ text-align: right; text-align: -webkit-right; padding: 0.15em 0.5em; }}
.{CLASS} mtd.label {{ color: #777; font-size: 85%; }}
.{CLASS} mtd.first {{ border-left: 1.5px solid; }}
.{CLASS} mtd.last {{ border-right: 1.5px solid; }}
.{CLASS} mtr.top mtd.first {{ border-top-left-radius: 0.7em; }}
.{CLASS} mtr.top mtd.last {{ border-top-right-radius: 0.7em; }}
.{CLASS} mtr.bottom mtd.first {{ border-bottom-left-radius: 0.7em; }}
.{CLASS} mtr.bottom mtd.last {{ border-bottom-right-radius: 0.7em; }}
.{CLASS} table {{ border-collapse: collapse; }}
.{CLASS} td, .{CLASS} th {{ text-align: right; padding: 0.1em 0.8em; }}
.{CLASS} code {{ background: none; }}
"""
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML"{}>{}</math>'


def html(document: Document) -> str:
    """The document as one <div>, well-formed as XML, with all names escaped."""
    parts = [f'<div class="{CLASS}">', f"<style>{STYLE}</style>", f"<h2>{_inline(document.title)}</h2>"]
    parts += map(_block, document.opening)
    for number, section in enumerate(document.sections, start=1):
        parts += [f"<h3>{number}. {escape(section.title)}</h3>", *map(_block, section.blocks)]
    markup = "\n".join([*parts, "</div>"])
    return markup.encode("ascii", "xmlcharrefreplace").decode()  # right whatever encoding a page declares


def _block(block: Block) -> str:
    """HTML of a block."""
    match block:
        case Line():
            return _wide(_display("".join(map(_symbol, block.pieces))))
        case Say():
            return f"<p>{_inline(block.pieces)}</p>"
        case Equation():
            return _wide(_display(mathml(block.text)))
        case Show():
            return _wide(_display(f"{mathml(block.text)}<mo>=</mo>{_matrix(block.grid)}"))
        case Tabulate():
            return _wide(_table(block.grid))


def _inline(pieces: tuple[Piece, ...]) -> str:
    """HTML of a paragraph's pieces."""
    return "".join(map(_piece, pieces))


def _piece(piece: Piece) -> str:
    """HTML of a piece."""
    if isinstance(piece, str):
        return escape(piece)
    if isinstance(piece, Math):
        return MATH.format("", f"<mrow>{mathml(piece.text)}</mrow>")
    return f"<code>{_name(piece.text)}</code>"


def _symbol(piece: Piece) -> str:
    """MathML of a piece of an equation."""
    if isinstance(piece, Math):
        return mathml(piece.text)
    return f"<mtext>{_name(piece if isinstance(piece, str) else piece.text)}</mtext>" if piece != " " else ""


def _name(text: str) -> str:
    """A name on one line, escaped."""
    return escape(printable(text))


def _display(inside: str) -> str:
    """Mathematics on a line of its own."""
    return MATH.format(' display="block"', f"<mrow>{inside}</mrow>")


def _wide(inside: str) -> str:
    """An element that scrolls where it is wider than the page."""
    return f'<div class="wide">{inside}</div>'


def _matrix(grid: Grid) -> str:
    """MathML of a matrix: numbers in brackets, labels outside."""
    head = "".join(_label(label) for label in ("", *grid.columns))
    rows = [f"<mtr>{head}</mtr>"]
    for i, (label, cells) in enumerate(zip(grid.rows, grid.cells, strict=True)):
        # Brackets are borders of the outer cells: MathML has no brackets that leave the labels outside.
        edge = " ".join(word for word, at in (("top", 0), ("bottom", len(grid.cells) - 1)) if at == i)
        inner = "".join(_entry(cell, j, len(cells)) for j, cell in enumerate(cells))
        rows.append(f"<mtr{_class(edge)}>{_label(label)}{inner}</mtr>")
    return f"<mtable>{''.join(rows)}</mtable>"


def _label(label: str) -> str:
    """MathML of a label."""
    return f'<mtd class="label"><mtext>{_name(label)}</mtext></mtd>'


def _entry(cell: str, j: int, count: int) -> str:
    """MathML of entry number `j` of a row with `count` entries."""
    edge = " ".join(word for word, at in (("first", 0), ("last", count - 1)) if at == j)
    return f"<mtd{_class(edge)}>{'<mo>⋯</mo>' if cell == GAP else mathml_number(cell)}</mtd>"


def _class(words: str) -> str:
    """The attribute `class`, or nothing."""
    return f' class="{words}"' if words else ""


def _table(grid: Grid) -> str:
    """HTML of a table."""
    head = "".join(f"<th>{_name(label)}</th>" for label in ("row", *grid.columns))
    rows = (
        f"<tr><td>{_name(label)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for label, cells in zip(grid.rows, grid.cells, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
