"""Several fits with another covariance: the rows of each are read again."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from gramian.data.source import source_of
from gramian.fit.groups.fit import error_context
from gramian.inference.estimators import IID
from gramian.results.fitted_rows import FittedRows

if TYPE_CHECKING:
    from gramian.engines.choice import Engine
    from gramian.fit.groups.result import Fits
    from gramian.inference.vcov_spec import Vcov


def with_vcov(fits: Fits, vcov: Vcov, data: object, like: str | None, engine: Engine | str | None) -> Fits:
    """The result of `Fits.with_vcov`; parameters and errors as there."""
    located = fits if data is None else replace(fits, fitted_rows=FittedRows(source_of(data)))
    solved: dict[Any, Any] = {}
    for key, fit in zip(fits.grouped.fits, located.fits.values(), strict=True):
        rows = None if vcov == IID else fit.fitted_rows.read_again()
        with error_context(fits.key_names, key):
            changed = fit.with_vcov(vcov, rows, like=like, engine=engine)
        solved[key] = getattr(changed, fields(changed)[0].name)  # the first field of a fit is its solution
    return replace(fits, grouped=replace(fits.grouped, fits=solved))
