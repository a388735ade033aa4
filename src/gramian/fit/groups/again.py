"""Several fits with another covariance: the rows of each are read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from gramian.fit.groups.fit import error_context
from gramian.inference.estimators import IID
from gramian.linalg.keyed.moments import Key

if TYPE_CHECKING:
    from gramian.engines.choice import Engine
    from gramian.inference.vcov_spec import Vcov


def with_vcov(
    names: Sequence[str], fits: Mapping[Key, Any], vcov: Vcov, like: str | None, engine: Engine | str | None
) -> dict[Key, Any]:
    """The solutions of fits with another covariance. names : of the parts of a key. The others are as of `Fits`."""
    solved: dict[Key, Any] = {}
    for key, fit in fits.items():
        rows = None if vcov == IID else fit.fitted_rows.read_again()
        with error_context(names, key):
            changed = fit.with_vcov(vcov, rows, like=like, engine=engine)
        solved[key] = getattr(changed, fields(changed)[0].name)  # the first field of a fit is its solution
    return solved
