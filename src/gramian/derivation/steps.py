"""The ten steps of the derivation."""

from __future__ import annotations

from gramian.derivation import steps_check as checking
from gramian.derivation import steps_model as setting
from gramian.derivation import steps_solution as solving
from gramian.derivation.columns import Table
from gramian.derivation.document import Document, Name
from gramian.derivation.solution import Solution


def document(table: Table, solution: Solution) -> Document:
    """All that a derivation says, to be written as text, Markdown or HTML."""
    return Document(
        title=("The normal equation for ", Name(table.formula)),
        opening=tuple(setting.opening(table)),
        sections=(
            setting.model(table),
            setting.matrices(table),
            setting.cost(solution),
            setting.normal_equation(),
            setting.products(table, solution),
            solving.inverse(table, solution),
            solving.weights(table, solution),
            solving.coefficients(table, solution),
            checking.check(table, solution),
            checking.minimum(solution),
        ),
    )
