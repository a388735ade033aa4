"""Two absorbed factors as a graph: the levels of the smaller one, joined where they share a level of the larger one.

With the larger factor eliminated, the products of the smaller one's levels are the Laplacian of this graph: rows that
sum to zero, and minus the strength of each link beside the diagonal. Where the graph is sparse, as that of firms with
few workers who move, conjugate gradient may need thousands of steps, while elimination is cheap: first of levels with
one link, then by a sparse factorization.

References
----------
Abowd, J. M., Creecy, R. H. and Kramarz, F. (2002). Computing person and firm effects using linked longitudinal
employer-employee data. Technical paper 2002-06, U.S. Census Bureau.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, diags_array

from gramian.kernels.graphs import with_short_indices
from gramian.typing import Codes, Matrix, Vector

MAX_SHARED = 16  # mean square of the links of a level of the larger factor, up to which the Laplacian is written out
FEW_LEVELS = 2_000  # levels up to which it is in any case
MAX_LINKS = 16  # mean number of entries of a row of the Laplacian, up to which it counts as sparse
MAX_FILL = (
    2  # entries of the Laplacian, in entries of the products of both factors, up to which it is quicker to iterate
)
SAMPLED = 200  # levels by which its entries are estimated
MIN_LEAVES = 0.01  # share of levels with one link below which pruning ends
MAX_PRUNINGS = 40
MAX_ENVELOPE = 4e7  # entries of the factor, as bounded by the reverse Cuthill-McKee order, up to which it is made


@dataclass(frozen=True, slots=True)
class Pruning:
    """Levels with one link, eliminated at once.

    Attributes
    ----------
    leaves, neighbours : (m,)
        The levels, and the one level that each is linked with; both as numbers among all levels.
    links : (m,)
        Strength of the links.
    """

    leaves: Codes
    neighbours: Codes
    links: Vector


@dataclass(frozen=True, slots=True)
class LevelGraph:
    """The Laplacian of n levels after pruning.

    Attributes
    ----------
    levels : int
        Number of levels n, the pruned ones included.
    core : (m,)
        The levels that are left.
    laplacian : sparse (m, m)
        Their Laplacian.
    prunings : tuple of Pruning
        In the order of elimination.
    """

    levels: int
    core: Codes
    laplacian: csr_array
    prunings: tuple[Pruning, ...]

    def eliminate(self, B: Matrix) -> tuple[Matrix, Matrix]:
        """Right-hand sides of the core (m, k), and of all levels (n, k) as they are when each is eliminated."""
        B = B.copy()
        for p in self.prunings:
            gather = csr_array(
                (np.ones(len(p.leaves)), (p.neighbours, np.arange(len(p.leaves)))), (self.levels, len(p.leaves))
            )
            B += gather @ B[p.leaves]
        return B[self.core], B

    def explained(self, eliminated: Matrix) -> Vector:
        """Squares (k,) that the pruned levels explain of each column. eliminated : (n, k) of `eliminate`."""
        out = np.zeros(eliminated.shape[1])
        for p in self.prunings:
            out += (eliminated[p.leaves] ** 2 / p.links[:, None]).sum(axis=0)
        return out

    def substitute(self, X: Matrix, eliminated: Matrix) -> Matrix:
        """The solution of all levels (n, k) from that of the core (m, k)."""
        out = np.zeros_like(eliminated)
        out[self.core] = X
        for p in reversed(self.prunings):
            out[p.leaves] = out[p.neighbours] + eliminated[p.leaves] / p.links[:, None]
        return out


def level_graph(C: csr_array, weight: Vector) -> LevelGraph | None:
    """The pruned graph of the levels of the smaller of two factors; None where it has too many links.

    Parameters
    ----------
    C : sparse (L, n)
        Products of the levels of the larger factor with those of the smaller one.
    weight : (L,)
        Diagonal of the products of the larger factor.
    """
    n, shared = C.shape[1], np.diff(C.indptr).astype(float)
    if n > FEW_LEVELS and float(shared @ shared) > MAX_SHARED * len(weight) and not _fills_little(C):
        return None
    S = csr_array(C.T @ (diags_array(1.0 / weight) @ C))
    S.setdiag(0.0)
    S.eliminate_zeros()
    if S.nnz > max(MAX_LINKS * n, MAX_FILL * C.nnz):
        return None
    return _pruned(S)


def _fills_little(C: csr_array) -> bool:
    """Whether the Laplacian has few entries for those of C, though levels share many, as within regions."""
    sample = C[:, np.linspace(0, C.shape[1] - 1, SAMPLED).astype(np.int64)]
    return bool(csr_array(sample.T @ C).nnz * C.shape[1] <= MAX_FILL * SAMPLED * C.nnz)


def _pruned(links: csr_array) -> LevelGraph:
    """Eliminate levels with one link, again and again, from a symmetric matrix of the strengths of links."""
    n, core, prunings = links.shape[0], np.arange(links.shape[0]), list[Pruning]()
    for _ in range(MAX_PRUNINGS):
        degree = np.diff(links.indptr)
        leaves = np.flatnonzero(degree == 1)
        if len(leaves) < max(MIN_LEAVES * len(core), 1):
            break
        at = links.indptr[leaves]
        neighbours, strength = links.indices[at], links.data[at]
        # Of two leaves that are linked with each other only one is eliminated.
        first = ~((degree[neighbours] == 1) & (leaves < neighbours))
        leaves, neighbours, strength = leaves[first], neighbours[first], strength[first]
        prunings.append(Pruning(core[leaves], core[neighbours], strength))
        rest = np.ones(len(core), bool)
        rest[leaves] = False
        core, links = core[rest], csr_array(links[rest][:, rest])
    return LevelGraph(n, core, laplacian_of(links), tuple(prunings))


def laplacian_of(links: csr_array) -> csr_array:
    """The Laplacian of a graph, of which every row sums to zero. links : symmetric, strengths of links."""
    return csr_array(with_short_indices(csr_array(diags_array(np.asarray(links.sum(axis=1)).ravel()) - links)))


class Factorization:
    """Solves Laplacian systems by a sparse factorization, with one level of each connected component at zero."""

    def __init__(self, laplacian: csr_array) -> None:
        from scipy.sparse.csgraph import connected_components
        from scipy.sparse.linalg import splu

        labels = connected_components(laplacian, directed=False)[1]
        free = np.ones(laplacian.shape[0], bool)
        free[np.unique(labels, return_index=True)[1]] = False
        self.free = np.flatnonzero(free)
        self.lu = (
            splu(
                laplacian[self.free][:, self.free].tocsc(),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
            if len(self.free)
            else None
        )

    def solve(self, B: Matrix) -> Matrix:
        """The solution (m, k) for right-hand sides (m, k) that sum to zero in each component."""
        X = np.zeros_like(B)
        if self.lu is not None:
            X[self.free] = self.lu.solve(np.ascontiguousarray(B[self.free]))
        return X


def factorization(laplacian: csr_array) -> Factorization | None:
    """The factorization of a Laplacian; None where its factor may be too large."""
    if laplacian.nnz > MAX_LINKS * laplacian.shape[0] or envelope(laplacian) > MAX_ENVELOPE:
        return None
    return Factorization(laplacian)


def envelope(S: csr_array) -> int:
    """Entries of the factor of S at most, in the reverse Cuthill-McKee order."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    n = S.shape[0]
    place = np.empty(n, np.int64)
    place[reverse_cuthill_mckee(S, symmetric_mode=True)] = np.arange(n)
    rows = np.repeat(np.arange(n), np.diff(S.indptr))
    first = np.arange(n)
    np.minimum.at(first, place[rows], place[S.indices])
    return int((np.arange(n) - first).sum())
