"""Which bootstrap: of clusters, or of rows."""

from __future__ import annotations

from typing import get_args

import numpy as np

from gramian.engines.choice import engine_of
from gramian.errors import OptionError, one_of
from gramian.fit.bootstrap.draws import Bootstrap
from gramian.fit.bootstrap.keywords import BootstrapBy, BootstrapKeywords
from gramian.fit.bootstrap.pairs import pairs_bootstrap
from gramian.fit.bootstrap.rows import RowDraws, row_bootstrap
from gramian.fit.bootstrap.sums import HasClusters, sums_of
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import PassRunner
from gramian.inference.draws.sign_weights import check_seed
from gramian.results.fitted_rows import FittedRows, rows_or_fitted


def bootstrap(solved: Solved, fitted_rows: FittedRows, data: object, given: BootstrapKeywords) -> Bootstrap:
    """The bootstrap that keyword arguments ask for."""
    by = given["by"] or ("cluster" if _has_clusters(solved, data, given["cluster"]) else "row")
    one_of("by", by, get_args(BootstrapBy))
    engine, draws, weights = given["engine"], given["draws"], given["weights"]
    seed = seed_of(given["seed"])
    if by == "cluster":
        sums = sums_of(solved, fitted_rows, data, given["cluster"], engine)
        return pairs_bootstrap(solved, sums, draws, weights or "multinomial", seed)
    if given["cluster"] is not None:
        raise OptionError("by='row' draws rows, whatever their clusters: leave cluster= out")
    if isinstance(data, HasClusters):
        raise OptionError("a Gram has no rows: give the data, or draw clusters with by='cluster'")
    source = rows_or_fitted(data, fitted_rows)
    which = RowDraws(draws, weights or "poisson", seed)
    return row_bootstrap(solved, PassRunner(source, engine_of(engine, source)), which)


def _has_clusters(solved: Solved, data: object, cluster: str | None) -> bool:
    """Whether a column of clusters is given, or the fit or the Gram has one."""
    has_own = solved.robust is not None and bool(solved.robust.vcov.clusters)
    return cluster is not None or has_own or isinstance(data, HasClusters)


def seed_of(seed: int | None) -> int:
    """The seed, or without one any, which then can be said and is the same for all workers.

    Raises OptionError for what is no seed.
    """
    check_seed(seed)
    return int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed)
