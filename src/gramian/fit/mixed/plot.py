"""Pictures of a mixed model, and what `augment` needs of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.batch import Batch
from gramian.errors import one_of
from gramian.fit.mixed.predict import MixedPredictor
from gramian.inference.normal import critical
from gramian.results.drawing import LEVEL, draw
from gramian.results.rows import RowwiseFit, axis_names, linear_evaluation
from gramian.typing import Matrix

if TYPE_CHECKING:
    from gramian.fit.mixed.result import MixedFit

RANDOM = "random"
KINDS = ("coefficients", "diagnostics", "residuals", "qq", "scale")


def draw_fit(fit: MixedFit, data: Any, kind: str | None) -> Any:
    """A matplotlib figure; `kind` is "random" or one of `KINDS`."""
    if kind is not None:
        one_of("kind", kind, (RANDOM, *KINDS))
    if kind == RANDOM:
        return _random_effects(fit)
    return draw(rows_of(fit, leverage=0.0), data, kind or (None if data is None else "diagnostics"), KINDS)


def _random_effects(fit: MixedFit) -> Any:
    """Random effects with their intervals, each term on an axis of its own, the groups in the order of their values."""
    from gramian.plots.coefficients import coefficients

    mixed = fit.mixed
    terms = [name for term in mixed.random for name in term.names]
    groups = [":".join(map(str, key)) for key in zip(*(values.to_pylist() for values in mixed.groups), strict=True)]
    names = [f"{group} {term}" if len(terms) > 1 else group for term in terms for group in groups]
    estimates, margins = mixed.effects.T.reshape(-1), critical(LEVEL, np.inf) * mixed.effect_errors.T.reshape(-1)
    return coefficients(
        names,
        estimates,
        np.column_stack([estimates - margins, estimates + margins]),
        term_numbers=np.repeat(np.arange(len(terms)), len(groups)).tolist(),
        level=LEVEL,
        title=f"Random effects of {':'.join(fit.by)}: {fit.formula}",
        x_label="random effect",
    )


def rows_of(fit: MixedFit, leverage: float = np.nan) -> RowwiseFit:
    """What computes predictions row by row, random effects included.

    leverage : of every row: NaN, or zero for residuals over sigma.
    """
    solved, predictor = fit.solved, MixedPredictor(fit.mixed)

    def values(batch: Batch) -> Matrix:
        """Predictions, then leverages twice, (3, n)."""
        (predicted,) = predictor.batch(batch)
        return np.stack([predicted, *np.full((2, len(predicted)), leverage)])

    axis = axis_names(solved.design)
    evaluate, terms = linear_evaluation(fit.sigma), solved.terms
    return RowwiseFit(fit, solved.design, values, evaluate, terms, fit.effective, axis, beside=predictor.columns)
