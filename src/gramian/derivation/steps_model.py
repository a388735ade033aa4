"""First steps of the derivation: from the model to the normal equation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gramian.derivation.arithmetic import dot, transpose
from gramian.derivation.columns import Table
from gramian.derivation.document import (
    MAX_ROWS,
    Block,
    Equation,
    Line,
    Math,
    Name,
    Piece,
    Say,
    Section,
    Show,
    column,
    grid,
    listed,
    numbered,
    say,
)
from gramian.derivation.numbers import format_factor, format_fraction
from gramian.derivation.solution import Solution

MAX_SUMMANDS = 5  # longer sums show their first three summands and the last one


def opening(table: Table) -> list[Block]:
    """Paragraphs before the first step: number of rows, dropped rows, and how numbers are read and rounded."""
    rows, columns = len(table.y), len(table.names)
    blocks: list[Block] = [say(f"{_count(rows, 'row')} of data, {_count(columns, 'coefficient')}.")]
    if table.dropped_rows.total:
        blocks.append(_dropped(table))
    if rows > MAX_ROWS:
        blocks.append(say("Of long matrices the first and the last rows are shown, of wide ones the columns likewise."))
    blocks.append(
        say(
            "All arithmetic is done in fractions, so nothing is lost on the way. A number of the data is taken as the "
            "shortest decimal that stands for it: 2.33 is exactly 233/100. Numbers are rounded once, when they are "
            "shown: to 8 decimals, very small and very large ones to 9 digits."
        )
    )
    if table.computed:
        names = listed(table.computed)
        blocks.append(Say((*names, f" {_is(table.computed)} computed from the data in floating point first.")))
    return blocks


def model(table: Table) -> Section:
    """Step 1: the equation of one row, and of all rows."""
    pieces: list[Piece] = [Name(table.outcome)]
    for k, name in enumerate(table.names, start=1):
        sign, ones = "=" if k == 1 else "+", k - 1 == table.constant
        pieces += [" ", Math(f"{sign} w_{k} * 1" if ones else f"{sign} w_{k} *")]
        pieces += [] if ones else [" ", Name(name)]
    line = Line((*pieces, " ", Math("+ e")))
    blocks: list[Block] = [
        say("For every row we want to write the outcome {} as", table.outcome),
        line,
        say(
            "where $e$ is what remains, the residual of that row. The numbers $w$ are the same in all rows; they are "
            "what we look for. All rows at once, with the outcomes in a vector $y$ and the rest in a matrix $X$:"
        ),
        Equation("y = Xw + e"),
    ]
    if table.offsets:
        tail = " from the outcome first; y is what is left."
        blocks.append(Say(("Offsets have no coefficient. We subtract ", *listed(table.offsets), tail)))
    return Section("The model", tuple(blocks))


def matrices(table: Table) -> Section:
    """Step 2: X, y and X'."""
    rows = numbered(len(table.y))
    shape = f"{_count(len(rows), 'row')} and {_count(len(table.names), 'column')}"
    blocks: list[Block] = [say(f"$X$ has {shape}: a row for every row of data, a column for every coefficient.")]
    if table.constant is not None:
        ones = "The column {} holds only ones: its coefficient is added in every row, whatever the data are."
        blocks.append(say(ones, table.names[table.constant]))
    if table.indicators:
        blocks.append(
            Say((*listed(table.indicators), ": 1 in the rows that belong to the level in brackets, 0 in all others."))
        )
    for name, level in table.reference.items():
        blocks.append(say("The level {} of {} has no column; the others are compared with it.", level, name))
    return Section(
        "The data as a matrix and a vector",
        (
            *blocks,
            Show("X", grid(table.X, rows, table.names)),
            Show("y", grid(column(table.y), rows, ("y",))),
            say("$X'$, X transposed, is the same numbers with rows and columns exchanged:"),
            Show("X'", grid(transpose(table.X), table.names, rows)),
        ),
    )


def cost(solution: Solution) -> Section:
    """Step 3: the sum of squared residuals, multiplied out."""
    return Section(
        "The cost",
        (
            say(
                "How good is a $w$? We square the residuals, so that misses above and below count alike, and add the "
                "squares up. This sum is the cost $J(w)$. (It is the plain sum: not halved, not divided by the number "
                "of rows. That would change neither the best $w$ nor any step.)"
            ),
            Equation("J(w) = e_1^2 + e_2^2 + ... + e_n^2 = ||Xw - y||^2"),
            say(
                "A sum of squares is a vector times itself, $e'e$. Multiplied out, like $(a - b)^2$; the two products "
                "in the middle are the same number:"
            ),
            Equation("J(w) = (Xw - y)'(Xw - y) = w'X'Xw - 2w'X'y + y'y"),
            say(
                "With $w = 0$ every prediction is 0, so the cost is "
                f"$J(0) = y'y = {format_fraction(solution.cost_before)}$."
            ),
        ),
    )


def normal_equation() -> Section:
    """Step 4: the gradient, and where it is zero."""
    return Section(
        "The derivative, and where it is zero",
        (
            say(
                "Look at one coefficient, $w_1$, and at one row, with $a$ in the first column of $X$. By the chain "
                "rule the derivative of its square $(a * w_1 + ... - y)^2$ is $2a(a * w_1 + ... - y)$: twice the entry "
                "of $X$ times the miss. Added up over all rows this is 2 times the first row of $X'$ times $Xw - y$. "
                "There is one such derivative for each coefficient; all of them together are the gradient:"
            ),
            Equation("dJ/dw = 2X'(Xw - y) = 2X'Xw - 2X'y"),
            say(
                "It looks like the derivative $2aw - 2b$ of the parabola $aw^2 - 2bw + c$, with $X'X$ for $a$ and "
                "$X'y$ for $b$. And as with the parabola, the slope is zero at the lowest point. For all coefficients "
                "at once that is the normal equation:"
            ),
            Equation("X'Xw = X'y"),
        ),
    )


def products(table: Table, solution: Solution) -> Section:
    """Step 5: X'X and X'y, with one sum written out for each."""
    first, name = transpose(table.X)[0], table.names[0]
    width = len(table.names)
    return Section(
        "X'X and X'y",
        (
            say(
                f"$X'X$ is {width} by {width}, however many rows there are. The entry for two columns is the sum, over "
                "all rows, of one times the other. For {} with itself:",
                name,
            ),
            Equation(_sum(first, first, solution.XtX[0][0])),
            Show("X'X", grid(solution.XtX, table.names, table.names)),
            say("$X'y$ holds the sums of each column times the outcome. For {}:", name),
            Equation(_sum(first, table.y, solution.Xty[0])),
            Show("X'y", grid(column(solution.Xty), table.names, ("X'y",))),
        ),
    )


def _sum(a: Sequence[Fraction], b: Sequence[Fraction], total: Fraction) -> str:
    """A sum of products with all numbers, checked against its total."""
    assert dot(a, b) == total
    pairs = [f"{format_factor(u)} * {format_factor(v)}" for u, v in zip(a, b, strict=True)]
    if len(pairs) > MAX_SUMMANDS:
        pairs = [*pairs[:3], "...", pairs[-1]]
    return f"{' + '.join(pairs)} = {format_fraction(total)}"


def _dropped(table: Table) -> Say:
    """Paragraph about dropped rows."""
    causes = ", ".join(f"{n} {cause}" for cause, n in table.dropped_rows.by_cause.items())
    by_column: list[Piece] = []
    for name, n in table.dropped_rows.columns.items():
        by_column += ["; " if by_column else " (", Name(name), f": {n}"]
    rows = _count(table.dropped_rows.total, "more row")
    verb = "was" if table.dropped_rows.total == 1 else "were"
    end = (")" if by_column else "") + ". Rows are numbered without."
    return Say((f"{rows} {verb} left out, for want of a value: {causes}", *by_column, end))


def _count(n: int, what: str) -> str:
    """A number with its noun."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def _is(names: Sequence[str]) -> str:
    """The verb for one name or several."""
    return "is" if len(names) == 1 else "are"
