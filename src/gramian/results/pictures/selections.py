"""Selections as curves of their criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gramian.results.selection import Selection

CRITERIA = {"aic": "AIC", "bic": "BIC", "adj_r2": "adjusted R squared", "cp": "Mallows's Cp"}
FIELDS = {"aic": "aic", "bic": "bic", "adj_r2": "adj_r_squared", "cp": "cp"}


def selection(result: Selection) -> Any:
    """A picture of a selection."""
    from gramian.plots.selection import Curve, selection

    found = result.selected
    terms = [term.label for term in found.design.terms.terms if term.atoms]
    candidates = found.candidates
    curve = Curve(
        np.array([c.columns for c in candidates], np.int64),
        np.array([getattr(c, FIELDS[found.criterion]) for c in candidates]),
        found.winner,
        terms,
        np.array([[t in c.terms for c in candidates] for t in terms], bool).reshape(len(terms), len(candidates)),
        CRITERIA[found.criterion],
        found.criterion == "adj_r2",
    )
    return selection(curve, f"Selection of terms of {found.design.formula}")
