"""Pictures of a fit to a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gramian.errors import one_of
from gramian.results.drawing import LEVEL

if TYPE_CHECKING:
    from gramian.fit.panel.result import PanelFit


def draw_fit(fit: PanelFit, data: Any, kind: str | None) -> Any:
    """A matplotlib figure of the coefficients."""
    from gramian.plots.coefficients import coefficients

    if kind is not None:
        one_of("kind", kind, ("coefficients",))
    return coefficients(fit.names, fit.coefficients, fit.conf_int(LEVEL), level=LEVEL, title=fit.formula)
