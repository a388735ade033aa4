"""Codec of fits to panels."""

from __future__ import annotations

from operator import attrgetter

from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.panel.solution import MeansTest, PanelSolved
from gramian.serialize.codec import Codec, rule
from gramian.serialize.record import record
from gramian.serialize.values import known

PANEL_SOLVED: Codec[PanelSolved] = record(
    PanelSolved,
    "structural/ estimator panel names[k] coefficients[k]? identified[k] covariance[k,k]? kind description df sigma",
    "sigma_residual sigma_group r_squared groups sizes[2] quasi[2] ~means/",
    rule(lambda f: f.structural.names == f.names[: len(f.structural.names)], "names of the formula first", "names"),
    known("coefficients", attrgetter("identified")),
    types=[SOLVED, record(MeansTest, "names[m] coefficients[m] iid[m,m] by_group[m,m]")],
)
