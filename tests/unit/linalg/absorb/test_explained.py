"""Products of what levels explain: blocks of levels on several threads, compiled and by NumPy."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from scipy.sparse import csr_array

from gramian.kernels import threads
from gramian.kernels.library import library
from gramian.linalg import self_products
from gramian.linalg.absorb import explained
from gramian.linalg.absorb.level_sums import LevelSums


@pytest.mark.parametrize("pure", [False, True])
def test_blocks_of_levels_add_up(*, pure: bool) -> None:
    rng = np.random.default_rng(6)
    L, d, s = 6000, 12, 20  # so many columns are multiplied by panels without the kernel
    sparse = csr_array(rng.random((L, s)) * (rng.random((L, s)) < 0.6))
    sums = LevelSums(rng.random(L) + 1.0, rng.standard_normal((L, d)), np.arange(d), sparse, d + np.arange(s))
    C = np.hstack([sums.dense, sparse.toarray()])
    found = []
    for cores in (1, 3):
        with (
            patch.object(self_products, "library", lambda: None if pure else library()),
            patch.object(explained, "LEVELS_PER_BLOCK", 700),
            patch.multiple(threads, MIN_OPERATIONS=1, CORES=cores),
        ):
            found.append(explained.explained(sums, d + s))
    np.testing.assert_allclose(found[0], C.T @ (C / sums.weight[:, None]), rtol=1e-11, atol=1e-9)
    assert found[0].tobytes() == found[1].tobytes()
