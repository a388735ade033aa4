"""The ten steps of the derivation, in order."""

from __future__ import annotations

from gramian.derivation import steps_check, steps_model, steps_solution
from gramian.derivation.columns import Table
from gramian.derivation.document import Document, Name
from gramian.derivation.solution import Solution


def document(table: Table, solution: Solution) -> Document:
    """The derivation as a document, for any format."""
    return Document(
        title=("The normal equation for ", Name(table.formula)),
        opening=tuple(steps_model.opening(table)),
        sections=(
            steps_model.model(table),
            steps_model.matrices(table),
            steps_model.cost(solution),
            steps_model.normal_equation(),
            steps_model.products(table, solution),
            steps_solution.inverse(table, solution),
            steps_solution.weights(table, solution),
            steps_solution.coefficients(table, solution),
            steps_check.check(table, solution),
            steps_check.minimum(solution),
        ),
    )
