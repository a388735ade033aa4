"""Last steps of the derivation: check of the result, and proof that it is the minimum."""

from __future__ import annotations

from gramian.derivation.arithmetic import transpose
from gramian.derivation.columns import Table
from gramian.derivation.document import Block, Equation, Section, Show, Tabulate, column, grid, numbered, say
from gramian.derivation.numbers import format_fraction
from gramian.derivation.solution import Solution

HEADINGS = ("y", "prediction", "residual")


def check(table: Table, solution: Solution) -> Section:
    """Step 9: predictions, residuals, cost and gradient."""
    side_by_side = transpose((table.y, solution.predictions, solution.residuals))
    blocks: list[Block] = [
        say("The predictions are $Xw$, the residuals $e = y - Xw$:"),
        Tabulate(grid(side_by_side, numbered(len(table.y)), HEADINGS)),
        say(
            f"The cost falls from $J(0) = {format_fraction(solution.cost_before)}$ with all coefficients zero to "
            f"$J(w) = {format_fraction(solution.cost_after)}$."
        ),
        say("The gradient at $w$ is zero, exactly:"),
        Show("2X'(Xw - y)", grid(column(solution.gradient), table.names, ("dJ/dw",))),
        say(
            "So $X'e = 0$: each column of $X$ times the residuals adds up to zero. The residuals stand at right angles "
            "to the columns; no column could explain any more of them."
        ),
    ]
    if table.constant is not None:
        blocks.append(say("For the column of ones this means that the residuals themselves add up to zero."))
    return Section("The check", tuple(blocks))


def minimum(solution: Solution) -> Section:
    """Step 10: no step away from w lowers the cost."""
    values = ", ".join(map(format_fraction, solution.eigenvalues))
    return Section(
        "Why it is the minimum",
        (
            say(
                "A derivative of zero could also mean a top or a saddle. Go any step $v$ away from $w$, and multiply "
                "out:"
            ),
            Equation("J(w + v) = J(w) + 2v'X'(Xw - y) + v'X'Xv"),
            say("The middle part is zero by the normal equation. The last one is a sum of squares, never negative:"),
            Equation("v'X'Xv = (Xv)'(Xv) = ||Xv||^2 >= 0"),
            say(
                "So no step leads below $J(w)$. The same in other words: the second derivative of the cost is $2X'X$, "
                "it is positive semidefinite, so the cost is convex, a bowl that is open to the top."
            ),
            say(f"The eigenvalues of $X'X$ say how strongly the bowl is bent along its axes: ${values}$."),
            say(_unique(solution)),
        ),
    )


def _unique(solution: Solution) -> str:
    """Sentence about the uniqueness of the minimum, from the number of zero eigenvalues."""
    flat = len(solution.null)
    if not flat:
        return (
            "All of them are positive. Every step makes the cost larger, for $Xv = 0$ only if $v = 0$: $w$ is the one "
            "and only minimum."
        )
    zero_count = "One of them is" if flat == 1 else f"{flat} of them are"
    return (
        f"{zero_count} zero: along the vectors $v$ with $Xv = 0$ the cost is flat, the bowl is a valley. "
        "$w$ is a minimum, but all points on the floor of the valley are as low."
    )
