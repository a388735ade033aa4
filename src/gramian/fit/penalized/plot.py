"""Pictures of penalised paths and of their cross-validations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gramian.fit.penalized.result_cv import CrossValidation
    from gramian.fit.penalized.result_path import Path


def path(result: Path) -> Any:
    """Coefficients against alpha; those that are largest, in standard deviations of their columns, are labelled."""
    from gramian.plots.path import path as draw

    # between knots coefficients are linear in alpha, so that straight lines are exact
    straight = result.solved.solutions.knots
    sizes = result.solved.sizes
    marks = [("least BIC", result.best("bic").alpha)] if np.isfinite(result.criterion("bic")).any() else []
    title = f"{result.solved.options.kind.capitalize()} path of {result.formula}"
    return draw(
        result.alphas, result.coefficients, result.names, sizes, result.df, straight=straight, title=title, marks=marks
    )


def cross_validation(result: CrossValidation) -> Any:
    """Mean errors against alpha, with the two choices marked."""
    from gramian.plots.validation import validation

    title = f"Cross-validation of the {result.path.solved.options.kind} path of {result.formula}"
    chosen = (result.best_alpha, result.one_se_alpha)
    return validation(result.alphas, result.mean_error, result.std_error, *chosen, folds=len(result.folds), title=title)
