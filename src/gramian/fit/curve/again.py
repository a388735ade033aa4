"""A fitted curve with another covariance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.engines.choice import Engine, engine_of
from gramian.fit.curve.fit import CurveSolved
from gramian.fit.curve.robust import check_curve_vcov, with_robust
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.names import vcov_of_data
from gramian.inference.estimators import IID
from gramian.inference.vcov_spec import vcov_spec
from gramian.results.fitted_rows import FittedRows, rows_or_fitted


def with_vcov(
    solved: CurveSolved, vcov: Any, data: object, fitted_rows: FittedRows, engine: Engine | str | None
) -> CurveSolved:
    """The fit with the covariance that is asked for; "iid" reads no rows. Raises as `with_robust`."""
    if vcov == IID:
        return replace(solved, robust=None)
    source = rows_or_fitted(data, fitted_rows)
    spec = vcov_spec(vcov_of_data(vcov, source.schema))
    assert spec is not None
    check_curve_vcov(spec, source.schema)
    return with_robust(solved, spec, PassRunner(source, engine_of(engine, source if data is None else data)))
