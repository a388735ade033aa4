"""Variance components and effects of groups of a mixed model as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.fit.mixed.solution import MixedSolved
from gramian.inference.normal import critical
from gramian.results.tables import null_if_nan

RESIDUAL = "Residual"
Component = tuple[str, str | None, str | None, float, float, float, float]


def variance_components(mixed: MixedSolved, level: float) -> pa.Table:
    """The table of `MixedFit.variance_components`."""
    names = ("group", "term", "with", "vcov", "sdcor", "conf_low", "conf_high")
    return component_table(names, _components(mixed, critical(level, float("inf"))))


def component_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Rows as a table: three columns of text that name a component, then numbers, null where they are NaN."""
    columns = {
        name: pa.array([null_if_nan(v) if isinstance(v, float) else v for v in values], kind)
        for name, kind, values in zip(
            names, (*[pa.string()] * 3, *[pa.float64()] * (len(names) - 3)), zip(*rows, strict=True), strict=True
        )
    }
    return pa.table(columns)


def _components(mixed: MixedSolved, z: float) -> Iterator[Component]:
    """Rows of the table: variances of a term, then its correlations, and the residuals. z : half-width of intervals."""
    group = ":".join(mixed.by)
    with np.errstate(all="ignore"):
        for term in mixed.random:
            covariance, sd = term.covariance, np.sqrt(term.covariance.diagonal())
            for i, name in enumerate(term.names):
                margin = np.exp(z * term.log_errors[i])
                yield group, name, None, covariance[i, i], sd[i], sd[i] / margin, sd[i] * margin
            for j in range(len(sd)):
                for i in range(j + 1, len(sd)):
                    r, margin = covariance[i, j] / sd[i] / sd[j], z * term.atanh_errors[i, j]
                    low, high = np.tanh(np.arctanh(r) - margin), np.tanh(np.arctanh(r) + margin)
                    yield group, term.names[j], term.names[i], covariance[i, j], r, low, high
        sigma, margin = mixed.sigma, np.exp(z * mixed.log_sigma_error)
        yield RESIDUAL, None, None, sigma**2, sigma, sigma / margin, sigma * margin


def random_effects(mixed: MixedSolved) -> pa.Table:
    """The table of `MixedFit.random_effects`."""
    names = [name for term in mixed.random for name in term.names]
    at = pa.array(np.repeat(np.arange(len(mixed.counts)), len(names)))
    groups = {name: values.take(at) for name, values in zip(mixed.by, mixed.groups, strict=True)}
    return pa.table(
        {
            **groups,
            "term": pa.array(names * len(mixed.counts), pa.string()),
            "estimate": mixed.effects.reshape(-1),
            "std_error": mixed.effect_errors.reshape(-1),
        }
    )
