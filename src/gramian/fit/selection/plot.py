"""The picture of a selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gramian.fit.selection.result import Selection

CRITERIA = {"aic": "AIC", "bic": "BIC", "adj_r2": "adjusted R squared", "cp": "Mallows's Cp"}
FIELDS = {"aic": "aic", "bic": "bic", "adj_r2": "adj_r_squared", "cp": "cp"}


def selection(result: Selection) -> Any:
    """A figure of the criterion against the number of columns, see `Selection.plot`."""
    from gramian.plots.selection import Candidates, selection

    selected = result.selected
    terms = [term.label for term in selected.design.terms.terms if term.atoms]
    candidates = selected.candidates
    curve = Candidates(
        np.array([c.columns for c in candidates], np.int64),
        np.array([getattr(c, FIELDS[selected.criterion]) for c in candidates]),
        selected.winner,
        terms,
        np.array([[t in c.terms for c in candidates] for t in terms], bool).reshape(len(terms), len(candidates)),
        CRITERIA[selected.criterion],
        selected.criterion == "adj_r2",
    )
    return selection(curve, f"Selection of terms of {selected.design.formula}")
