"""Codecs of results of draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from gramian.fit.bootstrap.draws import Bootstrap
from gramian.fit.bootstrap.jackknife import Jackknife
from gramian.fit.bootstrap.randomization_result import RandomizationTest
from gramian.fit.bootstrap.result import BootstrapTest
from gramian.serialize.codec import Codec, rule
from gramian.serialize.record import at, record
from gramian.serialize.values import ARROW_COLUMN

Draws: TypeAlias = BootstrapTest | Bootstrap | Jackknife | RandomizationTest

KINDS: Mapping[str, Codec[Any]] = {
    "wild-bootstrap": record(
        BootstrapTest,
        "hypothesis estimate statistic p_value conf_low conf_high level draws clusters weights restricted",
        "statistics[d]? equations",
        rule(lambda test: len(test.statistics) == test.draws > 0, "a statistic of each draw", "statistics.shape"),
    ),
    "bootstrap": record(
        Bootstrap,
        "names[p] estimates[p]?=drawn.estimates draws[d,p]?=drawn.draws std_errors[p]?=drawn.std_errors",
        "draw_errors[d,p]?=drawn.draw_errors requested unit units weights seed",
        rule(
            lambda found: (found.drawn.std_errors is None) == (found.drawn.draw_errors is None),
            "standard errors of the fit and of its draws, or none",
            "drawn.draw_errors",
        ),
        rule(lambda found: found.requested >= len(found.drawn.draws) > 0, "no more draws than asked for", "requested"),
    ),
    "jackknife": record(
        Jackknife,
        "names[p] estimates[p]? coefficients[g,p]? cluster",
        at("values", ARROW_COLUMN.along("g")),
        "rows[g] leverages[g] partial_leverages[g,p]?",
    ),
    "randomization": record(
        RandomizationTest,
        "hypothesis estimate p_value count ties conf_low conf_high level draws failed enumerated units strata seed",
        "coefficients[d]",
        rule(lambda test: len(test.coefficients) == test.draws > 0, "a coefficient of each draw", "coefficients.shape"),
        rule(lambda test: np.isfinite(test.estimate) and test.count <= test.draws, "counts of these draws", "count"),
    ),
}
KIND_OF: Mapping[type[Any], str] = {codec.kind: kind for kind, codec in KINDS.items()}
