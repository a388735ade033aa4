"""Scores beside absorbed factors add: the same whatever the cuts, the order, the side that is empty."""

import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gramian as gm
from gramian.batch import Batch
from gramian.data.source import source_of
from gramian.engines.fold import Tree
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.vcov.cluster_scores import ClusterPass
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.hc import DemeanedMeatPass
from gramian.fit.vcov.nesting import Nesting
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.within import demeaned

ROWS = 90
RNG = np.random.default_rng(4)
FIRM = RNG.integers(0, 12, ROWS)
TABLE = pa.table(
    {
        "x": RNG.integers(-4, 5, ROWS).astype(float),
        "f": RNG.choice(["a", "b", "c"], ROWS),
        "firm": FIRM,
        "state": pa.array([None if i == 4 else "uvw"[k % 3] for i, k in enumerate(FIRM)]),
        "year": RNG.integers(0, 4, ROWS),
        "y": np.round(FIRM + RNG.normal(size=ROWS) * 3),
    }
)


def task(kind):
    absorbed = "firm" if kind == "HC3" else "firm + year"
    solved = gm.ols(f"y ~ x*f | {absorbed}", TABLE).solved
    less = demeaned(solved, gm.Local().fold(source_of(TABLE), Accumulate(solved.design)).moments)
    if kind in ("HC1", "HC3"):
        return DemeanedMeatPass(FittedModel(solved), less, kind)
    return ClusterPass(FittedModel(solved), ("state", "year"), 2**30, less)


TASKS = {kind: task(kind) for kind in ("HC1", "HC3", "CR1")}


def batch(start, stop):
    part = TABLE.slice(start, stop - start)
    return Batch(part.num_rows, {name: part[name].combine_chunks() for name in part.column_names}, first_row=start)


def plain(done):
    """A partial result as names and numbers, whatever its order."""
    if not hasattr(done, "clusters"):
        return {"products": done.products, "rows": done.rows, "full": done.full_leverage}
    names = [
        tuple(v[c].as_py() for v, c in zip(done.clusters.names, cell, strict=True))
        for cell in done.clusters.cells.tolist()
    ]
    out = {"rows": done.rows, "absent": done.null_clusters}
    out |= {(name, what): values[i] for i, name in enumerate(names)
            for what, values in (("sums", done.sums), ("rows", done.counts))}  # fmt: skip
    for factor, owner in done.nesting.owner.items():
        for level, own in enumerate(owner.tolist()):
            out |= {(factor, level, k): names[c][k] if c >= 0 else c for k, c in enumerate(own)}
    return out


def same(a, b):
    a, b = plain(a), plain(b)
    assert a.keys() == b.keys()
    for key, value in a.items():
        if isinstance(value, str):
            assert value == b[key]
        else:  # sums of at most 90 terms of size below 1e3
            np.testing.assert_allclose(value, b[key], rtol=1e-12, atol=1e-9)


cuts = st.lists(st.integers(0, ROWS), max_size=6).map(lambda inner: [0, *sorted(inner), ROWS])


@pytest.mark.parametrize("name", TASKS)
@settings(deadline=None, max_examples=25)
@given(at=cuts, turn=st.booleans())
def test_cuts_do_not_matter(name, at, turn):
    one, tree = TASKS[name], Tree()
    parts = [one.accumulate([batch(a, b)]) for a, b in pairwise(at)]
    for part in reversed(parts) if turn else parts:
        tree.push(part)
    same(tree.total(one.empty), one.accumulate([batch(0, ROWS)]))


@pytest.mark.parametrize("name", TASKS)
def test_empty_is_a_zero_and_passes_travel(name):
    one = TASKS[name]
    some = one.accumulate([batch(0, 40)])
    same(some + one.empty, some)
    same(one.empty + some, some)
    same(pickle.loads(pickle.dumps(one)).accumulate([batch(0, 40)]), some)
    same(
        pickle.loads(pickle.dumps(some)) + one.accumulate([batch(40, ROWS)]),
        one.accumulate([batch(0, 40), batch(40, ROWS)]),
    )


def test_scores_add_up_to_zero():
    """The normal equations within the levels: X'r = 0, summed over clusters in which every row is."""
    one = replace(TASKS["CR1"], by=("year",))
    done = one.accumulate([batch(0, ROWS)])
    assert np.abs(done.sums).max() > 1.0
    np.testing.assert_allclose(done.sums.sum(axis=0), 0.0, atol=1e-10)
    assert done.nesting.nested([0]) == ("year",)
    assert TASKS["CR1"].accumulate([batch(0, ROWS)]).nesting.nested([0]) == ("firm",)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=12), st.integers(0, 12))
def test_nesting_is_what_it_says(rows, cut):
    """Levels, and clusters of two columns, against sets; rows are added in two parts."""
    cells = np.array([(a, b) for a in range(3) for b in range(3)])
    clusters = Clusters((pa.array([0, 1, 2]),) * 2, cells)
    parts = []
    for some in (rows[:cut], rows[cut:]):
        part = Nesting.empty({"f": 4}, 2)
        level, a, b = np.array(some, np.int64).reshape(-1, 3).T
        part.add(clusters, {"f": level}, 3 * a + b)
        parts.append(part)
    done = parts[0].merged(parts[1], clusters)
    for k in range(2):
        expected = all(len({row[1 + k] for row in rows if row[0] == level}) <= 1 for level in range(4))
        assert (done.nested([k]) == ("f",)) == expected
