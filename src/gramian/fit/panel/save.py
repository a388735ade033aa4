"""Codec of fits to panels."""

from __future__ import annotations

from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.panel.solution import MeansTest, PanelSolved
from gramian.serialize.codec import Codec, require
from gramian.serialize.record import at, record
from gramian.serialize.values import check_known


def _check(fit: PanelSolved) -> None:
    require(fit.names[: len(fit.structural.names)] == fit.structural.names, "names of the formula first", fit.names)
    check_known(fit, "coefficients", fit.identified)


PANEL_SOLVED: Codec[PanelSolved] = record(
    PanelSolved,
    "structural/ estimator panel names[k] coefficients[k]? identified[k] covariance[k,k]? kind description df sigma",
    "sigma_residual sigma_group r_squared groups sizes[2] quasi[2]",
    at("means/", absent=None),
    check=_check,
    types=[SOLVED, record(MeansTest, "names[m] coefficients[m] iid[m,m] by_group[m,m]")],
)
