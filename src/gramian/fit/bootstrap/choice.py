"""Which bootstrap: of clusters, or of rows."""

from __future__ import annotations

from typing import get_args

from gramian.errors import one_of
from gramian.fit.bootstrap.draws import Bootstrap
from gramian.fit.bootstrap.pairs import pairs_bootstrap
from gramian.fit.bootstrap.sums import HasClusters, sums_of
from gramian.fit.leastsquares.solution import Solved
from gramian.keywords import BootstrapBy, BootstrapKeywords
from gramian.results.fitted_rows import FittedRows


def bootstrap(solved: Solved, fitted_rows: FittedRows, data: object, given: BootstrapKeywords) -> Bootstrap:
    """The bootstrap that keyword arguments ask for."""
    by = given["by"] or ("cluster" if _has_clusters(solved, data, given["cluster"]) else "row")
    one_of("by", by, get_args(BootstrapBy))
    sums = sums_of(solved, fitted_rows, data, given["cluster"], given["engine"])
    return pairs_bootstrap(solved, sums, given["draws"], given["weights"] or "multinomial", given["seed"])


def _has_clusters(solved: Solved, data: object, cluster: str | None) -> bool:
    """Whether a column of clusters is given, or the fit or the Gram has one."""
    has_own = solved.robust is not None and bool(solved.robust.vcov.clusters)
    return cluster is not None or has_own or isinstance(data, HasClusters)
