"""Middle steps of the derivation: the inverse, or why there is none, and the coefficients."""

from __future__ import annotations

from fractions import Fraction

from gramian.derivation.arithmetic import ExactMatrix, transpose
from gramian.derivation.columns import Table
from gramian.derivation.document import (
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
    numbered,
    say,
)
from gramian.derivation.numbers import format_factor, format_fraction
from gramian.derivation.solution import Solution

PSEUDO = "X^+ = F'(FF')^-1(C'C)^-1C'"


def inverse(table: Table, solution: Solution) -> Section:
    """Step 6: the inverse of X'X, or why there is none."""
    if solution.inverse is None:
        return Section("There is no inverse", (*_no_inverse(table, solution),))
    blocks = {1: _one, 2: _two}.get(len(table.names), _by_elimination)(table, solution)
    return Section("The inverse", (*blocks, Show("(X'X)^-1", grid(solution.inverse, table.names, table.names))))


def weights(table: Table, solution: Solution) -> Section:
    """Step 7: the matrix by which y is multiplied, (X'X)^-1 X' or the pseudo-inverse."""
    rows = numbered(len(table.y))
    shape = "It has a row for each coefficient and a column for each row of data: "
    meaning = "how much one unit more in that row's outcome would add to that coefficient."
    if solution.inverse is not None:
        blocks: list[Block] = [
            say("The inverse times the normal equation leaves $w$ alone on the left side:"),
            Equation("w = (X'X)^-1X'y"),
            say(f"What stands before $y$ does not depend on the outcomes. {shape}{meaning}"),
            Show("(X'X)^-1X'", grid(solution.pseudo_inverse, table.names, rows)),
        ]
        return Section("The inverse times X'", tuple(blocks))
    shown_as = Show("X^+", grid(solution.pseudo_inverse, table.names, rows))
    return Section("The pseudo-inverse", (*_factors(table, solution), say(f"{shape}{meaning}"), shown_as))


def coefficients(table: Table, solution: Solution) -> Section:
    """Step 8: the coefficients, and the fitted equation."""
    named = Show("w", grid(column(solution.w), table.names, ("w",)))
    line = Line((Name(table.outcome), " ", *_line(table, solution)))
    if solution.inverse is not None:
        first = say("Each row of that matrix times $y$ is a coefficient:")
        return Section("The coefficients", (first, Equation("w = (X'X)^-1X'y"), named, say("That is:"), line))
    many = say(
        "This is one of infinitely many solutions. $w$ plus any multiple of a column of $V$ (step 6) predicts the same "
        "and has the same cost; among all of these the $w$ above has the smallest sum of squares $w'w$."
    )
    return Section("The shortest solution", (Equation("w = X^+y"), named, say("That is:"), line, many))


def _one(table: Table, solution: Solution) -> list[Block]:
    """Inverse of a single number."""
    value = format_fraction(solution.determinant)
    return [say(f"$X'X$ is a single number, ${value}$, and not zero. Its inverse is one divided by it.")]


def _two(table: Table, solution: Solution) -> list[Block]:
    """Inverse of a matrix of two rows, by its determinant."""
    (a, b), (c, d) = solution.XtX
    adjugate: ExactMatrix = ((d, -b), (-c, a))
    return [
        say("The determinant of a matrix of two rows is the product of its diagonal minus the product of the others:"),
        Equation(
            f"det(X'X) = {format_factor(a)} * {format_factor(d)} - {format_factor(b)} * {format_factor(c)}"
            f" = {format_fraction(solution.determinant)}"
        ),
        say("It is not zero, so there is an inverse. Exchange the diagonal entries, change the sign of the others:"),
        Show("adj(X'X)", grid(adjugate, table.names, table.names)),
        say("and divide by the determinant: $(X'X)^-1 = adj(X'X) / det(X'X)$."),
    ]


def _by_elimination(table: Table, solution: Solution) -> list[Block]:
    """Inverse of a larger matrix, by elimination."""
    return [
        say(
            f"The determinant is $det(X'X) = {format_fraction(solution.determinant)}$. "
            "It is not zero, so there is an inverse."
        ),
        say(
            "To find it, write the identity matrix to the right of $X'X$. Then divide rows by numbers, and subtract "
            "multiples of rows from other rows, until $X'X$ has become the identity. What stands on the right by then "
            "is the inverse; $X'X$ times it is the identity exactly."
        ),
    ]


def _no_inverse(table: Table, solution: Solution) -> list[Block]:
    """Why X'X is singular: which columns are combinations of others."""
    width, rank, rows = len(table.names), solution.rank, len(table.y)
    reason = f"Of the {width} columns of $X$ only {rank} say something new" if rank else "$X$ holds only zeros"
    blocks = [say(f"The determinant is $det(X'X) = 0$: there is no inverse. {reason}. Its rank is {rank}.")]
    if rows < width:
        blocks.append(say(f"That had to be: {rows} rows cannot determine more than {rows} of {width} coefficients."))
    blocks.append(say("Columns that are made of others:"))
    blocks += [_combination(table, v, solution) for v in solution.null]
    vectors = tuple(f"v{k}" for k in range(1, len(solution.null) + 1))
    return [
        *blocks,
        say("As vectors: each column $v$ of the following matrix $V$ gives $Xv = 0$."),
        Show("V", grid(transpose(solution.null), table.names, vectors)),
        say(
            "So $X'Xv = 0$ as well. An inverse would have to turn this 0 back into $v$, but an inverse times 0 is 0. "
            "And $X(w + v) = Xw$: the data cannot tell $w$ from $w + v$."
        ),
    ]


def _combination(table: Table, v: tuple[Fraction, ...], solution: Solution) -> Say:
    """Equation of a dependent column as a combination of others."""
    free = next(j for j, c in enumerate(v) if c and j not in solution.pivots)
    summands = [(-c, j) for j, c in enumerate(v) if c and j != free]
    return Say((Name(table.names[free]), " ", *_linear(table, summands)))


def _line(table: Table, solution: Solution) -> list[Piece]:
    """The fitted equation, as pieces of a paragraph."""
    return _linear(table, [(w, j) for j, w in enumerate(solution.w)])


def _linear(table: Table, summands: list[tuple[Fraction, int]]) -> list[Piece]:
    """An equals sign and a sum such as = 2 * a - 3 * b + 1, as pieces of a paragraph."""
    pieces: list[Piece] = []
    for c, j in summands:
        sign = ("- " if c < 0 else "+ ") if pieces else ("= -" if c < 0 else "= ")
        ones = j == table.constant
        size = format_fraction(abs(c)) if ones else "" if abs(c) == 1 else f"{format_fraction(abs(c))} *"
        pieces += [Math(f"{sign}{size}".rstrip()), " "]
        pieces += [] if ones else [Name(table.names[j]), " "]
    return pieces[:-1] if pieces else [Math("= 0")]


def _factors(table: Table, solution: Solution) -> list[Block]:
    """The factors C and F of X, of which the pseudo-inverse is made."""
    if not solution.rank:
        return [say("All columns are zero, and so is the pseudo-inverse $X^+$.")]
    independent = tuple(table.names[j] for j in solution.pivots)
    names: list[Piece] = []
    for name in independent:
        names += [", " if names else "", Name(name)]
    return [
        Say(("Let ", Math("C"), " be the independent columns of ", Math("X"), ": ", *names, ".")),
        say("Then $X = CF$, where each column of $F$ says how a column of $X$ is made of those in $C$."),
        Show("F", grid(solution.form, independent, table.names)),
        say("$C'C$ and $FF'$ do have inverses. With them we form the pseudo-inverse of $X$:"),
        Equation(PSEUDO),
    ]
