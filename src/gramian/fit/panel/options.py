"""What the user may ask of a fit to a panel."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.errors import OptionError, one_of
from gramian.fit.panel.solution import BETWEEN, MUNDLAK, RANDOM
from gramian.inference.estimators import CR
from gramian.inference.vcov_spec import VcovSpec


@dataclass(frozen=True, slots=True)
class PanelOptions:
    """What the user may ask of a fit to a panel.

    Attributes
    ----------
    estimator : str
        "between", "random" or "mundlak".
    panel : str
        Column that makes the groups.
    vcov : VcovSpec or None
        Covariance by group; None for that of the model.
    """

    estimator: str
    panel: str
    vcov: VcovSpec | None = None

    def __post_init__(self) -> None:
        one_of("estimator", self.estimator, (RANDOM, MUNDLAK, BETWEEN))
        if not isinstance(self.panel, str):
            raise OptionError(f"panel must be the name of the column that makes the groups, found {self.panel!r}")
        if self.vcov is None:
            return
        if self.estimator == BETWEEN:
            raise OptionError("the between estimator has one row for each group, and no covariance by group")
        if self.vcov.kind not in CR[:2] or self.vcov.clusters != (self.panel,):
            raise OptionError(
                f"random effects have the covariance of the model, or one by group, vcov={{'cluster': "
                f"'{self.panel}'}}; found {self.vcov.name}"
            )
