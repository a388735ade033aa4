"""The pairs cluster bootstrap of a linear fit: a draw takes clusters with all their rows."""

from __future__ import annotations

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.bootstrap.draws import Bootstrap
from gramian.fit.bootstrap.sums import BootstrapSums
from gramian.fit.bootstrap.unit_products import UnitProducts, unit_products
from gramian.fit.leastsquares.solution import Solved
from gramian.inference.draws.cluster_weights import cluster_draws
from gramian.inference.draws.intervals import DrawnEstimates
from gramian.inference.draws.redrawn import draws_by_cluster, squares_by_cluster
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec
from gramian.typing import Matrix, Vector


def pairs_bootstrap(solved: Solved, sums: BootstrapSums, draws: int, weights: str, seed: int | None) -> Bootstrap:
    """Draws of clusters, with standard errors by cluster (CR1) of each.

    Raises as `unit_products`, and NumericalError where fewer than two draws have an estimate.
    """
    own, spec = unit_products(solved, sums), sums.spec
    count, k = own.scores.shape
    parts = []
    for v in cluster_draws(weights, count, draws, seed, numbers=max(k + len(own.to_model), k * k // count, 1)):
        found = draws_by_cluster(own.products, own.scores, v)
        squares = squares_by_cluster(own.products, own.scores, v, found, own.to_model)
        errors = np.sqrt(squares * _factors(spec, v.T @ own.counts, own.columns, count)[:, None])
        parts.append((found.changes[found.identified] @ own.to_model.T, errors[found.identified]))
    changes, errors = (np.concatenate(each) for each in zip(*parts, strict=True))
    drawn = drawn_estimates(solved, changes, _errors(own, spec), errors)
    check_enough(drawn, "clusters")
    return Bootstrap(solved.names, drawn, draws, "clusters", count, weights, seed)


def drawn_estimates(
    solved: Solved, changes: Matrix, std_errors: Vector | None = None, draw_errors: Matrix | None = None
) -> DrawnEstimates:
    """Estimates of draws from their changes (d, p); NaN for coefficients that the data do not determine."""
    known = np.where(solved.identified, 1.0, np.nan)
    b = solved.coefficients * known
    return DrawnEstimates(
        b,
        b + changes,
        None if std_errors is None else std_errors * known,
        None if draw_errors is None else draw_errors * known,
    )


def check_enough(drawn: DrawnEstimates, unit: str) -> None:
    """Raise NumericalError where fewer than two draws have an estimate."""
    if len(drawn.draws) < 2:
        raise NumericalError(
            f"hardly a draw of {unit} determines the coefficients: leave out terms that rest on few {unit}, or take "
            "weights='exponential', which leave no one out"
        )


def _errors(own: UnitProducts, spec: VcovSpec) -> Vector:
    """Standard errors (p,) of the fit by cluster."""
    squares = np.square(own.scores @ own.to_model.T).sum(axis=0)
    return np.asarray(np.sqrt(squares * _factors(spec, own.counts.sum()[None], own.columns, len(own.counts))[0]))


def _factors(spec: VcovSpec, rows: Vector, columns: float, clusters: int) -> Vector:
    """Small-sample factors (d,) of draws with so many rows."""
    distinct, at = np.unique(rows, return_inverse=True)
    return np.array([spec.factor(ModelFacts(n, columns), clusters, clusters) for n in distinct.tolist()])[at]
