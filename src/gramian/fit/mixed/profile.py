"""Profile-likelihood intervals of a mixed model, from one more pass or from the sums of a Gram."""

from __future__ import annotations

import math

import pyarrow as pa

from gramian.engines.choice import Engine
from gramian.fit.mixed.again import system_again
from gramian.fit.mixed.component_tables import component_table
from gramian.fit.mixed.profile_parameters import profiles_of
from gramian.fit.mixed.solution import MixedSolved
from gramian.inference.normal import critical
from gramian.results.fitted_rows import FittedRows

NAMES = ("group", "term", "with", "estimate", "conf_low", "conf_high")


def profile(
    mixed: MixedSolved,
    fitted: FittedRows,
    data: object,
    *,
    level: float,
    fixed: bool,
    engine: Engine | str | None,
) -> pa.Table:
    """The table of `MixedFit.profile`; parameters and errors as there."""
    z = critical(level, math.inf)
    with system_again(mixed, fitted, data, engine) as (system, found):
        profiles = profiles_of(mixed, system, found)
        rows = [*profiles.random(z), profiles.residual(z), *(profiles.fixed(z) if fixed else ())]
    return component_table(NAMES, rows)
