"""Whether the instruments determine the coefficients, and which of them depend on others."""

from __future__ import annotations

import numpy as np

from gramian.batch import Source
from gramian.errors import NotIdentifiedError, listing
from gramian.fit.iv.solution import IvSolved
from gramian.fit.iv.system import IvSystem
from gramian.fit.leastsquares.escalate import shortfall
from gramian.linalg.two_stage import unexplained
from gramian.typing import Codes


def check_identified(system: IvSystem, endogenous: Codes) -> None:
    """Raise NotIdentifiedError where instruments are too few, or do not explain the endogenous columns.

    endogenous : (k,) columns of the structural model.
    """
    names, stage = system.system.names, system.stage
    lacking = unexplained(stage)
    if not lacking.any():
        return
    excluded = int(stage.independent[stage.exogenous :].sum())
    why = _dependent(system)
    if excluded < len(endogenous):
        named = [names[j] for j in endogenous]
        columns = f"{len(endogenous)} endogenous column{'s'[: len(endogenous) != 1]} ({listing(named)})"
        raise NotIdentifiedError(
            f"{columns} and {excluded} excluded instrument{'s'[: excluded != 1]} that other instruments do not explain"
            f"{why}: name at least as many"
        )
    culprits = [names[system.places[j]] for j in np.flatnonzero(lacking)]
    raise NotIdentifiedError(
        f"the instruments do not determine the coefficient of {listing(culprits)}: what they explain of it is zero, or "
        f"explained by the other columns{why}; name other instruments"
    )


def _dependent(system: IvSystem) -> str:
    """Names of excluded instruments that depend on other instruments, for messages."""
    names, absorbed = excluded_names(system, used=False), system.design.terms.absorbed
    if not names:
        return ""
    levels = f", or on the levels of {' and '.join(absorbed)}" if absorbed else ""
    return f" ({listing(names)} depend{'s' if len(names) == 1 else ''} on other instruments{levels})"


def shortfall_of(solved: IvSolved, source: Source | None) -> str:
    """Warning text: which digits are missing, and what to do. source : None for a fit of a Gram."""
    structural = solved.structural
    if solved.unused and structural.accuracy is not None and not np.nan_to_num(structural.accuracy.digits).any():
        verb = "depends" if len(solved.unused) == 1 else "depend"
        return (
            f"float64 sums cannot tell whether {listing(list(solved.unused))}, not used, {verb} on other instruments "
            "exactly or only nearly, so no digit is certified: leave out of the formula what is not needed"
        )
    return shortfall(structural, source)


def excluded_names(system: IvSystem, *, used: bool) -> list[str]:
    """Names of the excluded instruments that are used, or are left out because they depend on others."""
    stage, names = system.stage, system.instruments.names
    return [
        names[system.order[j]] for j in range(stage.exogenous, len(system.order)) if bool(stage.independent[j]) is used
    ]
