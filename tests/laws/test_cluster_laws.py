"""Sums by cluster add: the same whatever the cuts, the order, the side that is empty."""

import pickle
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gramian as gm
from gramian.batch import Batch
from gramian.engines.fold import Tree
from gramian.fit.vcov import cluster_scores
from gramian.fit.vcov.cluster_moments import labels_of, scores_by_cluster, solved_by_cluster
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.cluster_scores import ClusterPass
from gramian.fit.vcov.clusters import Clusters, clusters_of, joint
from gramian.fit.vcov.hc import MeatPass
from gramian.fit.vcov.scores import FittedModel

LIMIT = 2**30
ROWS = 90


def rows_of(seed=3):
    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, ROWS).astype(float)  # small whole numbers: every sum is exact, in any order
    f = rng.choice(["a", "b", "c"], ROWS)
    firm = pa.array([None if i == 4 else int(v) for i, v in enumerate(rng.integers(0, 9, ROWS))])
    y = np.round(2 * x + (f == "b") + rng.normal(size=ROWS) * 2)
    return {"y": y, "x": x, "f": f, "firm": firm, "year": rng.choice(["u", "v"], ROWS)}


DATA = rows_of()
TABLE = pa.table({name: pa.array(v) for name, v in DATA.items()})
FIT = gm.ols("y ~ x*f", TABLE)


def batch(start, stop):
    part = TABLE.slice(start, stop - start)
    return Batch(part.num_rows, {name: part[name].combine_chunks() for name in part.column_names}, first_row=start)


TASKS = {
    "scores": ClusterPass(FittedModel(FIT.solved), ("firm", "year"), LIMIT),
    "moments": ClusterMomentsPass(FIT.solved.design, ("firm",), LIMIT),
    "judged": ClusterMomentsPass(FIT.solved.design, ("firm",), LIMIT, FittedModel(FIT.solved)),
    "meat": MeatPass(FittedModel(FIT.solved), "HC3"),
}


def plain(done):
    """A partial result as sets of names and numbers, whatever its order."""
    if not hasattr(done, "clusters"):
        return {"dense": done.moments.dense, "rows": done.rows, "full": done.full_leverage}
    names = [
        tuple(v[c].as_py() for v, c in zip(done.clusters.names, cell, strict=True))
        for cell in done.clusters.cells.tolist()
    ]
    out = {"rows": done.rows, "absent": done.null_clusters, "clusters": sorted(names, key=str)}
    for i, name in enumerate(names):
        if hasattr(done, "labels"):
            places = zip(*np.nonzero(done.products[i]), strict=True)
            out |= {(name, done.labels[j], done.labels[k]): done.products[i, j, k] for j, k in places}
        else:
            out[name] = done.sums[i]
        out[name, "rows"] = done.counts[i]
    return out


def same(a, b):
    a, b = plain(a), plain(b)
    assert a.keys() == b.keys()
    for key, value in a.items():
        if isinstance(value, list):
            assert value == b[key]
        else:  # at the answer, residuals are no whole numbers: sums of at most 90 terms of size below 1e3
            np.testing.assert_allclose(value, b[key], rtol=1e-12, atol=1e-10)


cuts = st.lists(st.integers(0, ROWS), max_size=6).map(lambda inner: [0, *sorted(inner), ROWS])


@pytest.mark.parametrize("name", TASKS)
@settings(deadline=None, max_examples=25)
@given(at=cuts, turn=st.booleans())
def test_cuts_do_not_matter(name, at, turn):
    task, tree = TASKS[name], Tree()
    parts = [task.accumulate([batch(a, b)]) for a, b in pairwise(at)]
    for part in reversed(parts) if turn else parts:
        tree.push(part)
    same(tree.total(task.empty), task.accumulate([batch(0, ROWS)]))


@pytest.mark.parametrize("name", TASKS)
def test_empty_is_a_zero_and_passes_travel(name):
    task = TASKS[name]
    some = task.accumulate([batch(0, 40)])
    same(some + task.empty, some)
    same(task.empty + some, some)
    same(pickle.loads(pickle.dumps(task)).accumulate([batch(0, 40)]), some)
    same(
        pickle.loads(pickle.dumps(some)) + task.accumulate([batch(40, ROWS)]),
        task.accumulate([batch(0, 40), batch(40, ROWS)]),
    )


def test_moments_by_cluster_give_the_scores_of_any_sub_model():
    """What a Gram keeps: of `y ~ x*f` by cluster follow the scores of `y ~ x + f`, without the data."""
    kept = TASKS["moments"].accumulate([batch(0, ROWS)])
    fit = gm.ols("y ~ x + f", TABLE)
    direct = ClusterPass(FittedModel(fit.solved), ("firm",), LIMIT).accumulate([batch(0, ROWS)])
    parametrization, names = fit.solved.parametrization, fit.solved.levels.names
    assert fit.solved.design.coordinates == FIT.solved.design.coordinates  # a Gram would see to it
    products, cross = solved_by_cluster(kept, parametrization, names)
    scores = scores_by_cluster(products, cross, fit.solved.solution.coefficients, parametrization.scale)
    clusters, place = direct.clusters.merged(kept.clusters)
    assert clusters.count == direct.clusters.count
    np.testing.assert_allclose(scores, direct.sums[place], atol=1e-9)
    assert set(labels_of(parametrization.groups, names)) <= set(kept.labels)
    assert kept.null_clusters == direct.null_clusters == 1


def test_names_of_all_types():
    values = [
        pa.array([3, 1, None, 3], pa.int8()),
        pa.array([1.5, float("nan"), None, 1.5]),
        pa.array([True, False, None, True]),
        pa.array(["b", "a", None, "b"]).dictionary_encode(),
        pa.array([1, 2, None, 1], pa.date32()),
    ]
    for column in values:
        clusters, group = clusters_of(Batch(4, {"g": column}), ["g"])
        assert (group[0], group[2]) == (group[3], -1)
        assert clusters.count == len(set(group.tolist()) - {-1})
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", "a", "b"]))
    clusters, group = clusters_of(Batch(3, {"g": twice}), ["g"])
    assert (clusters.count, group.tolist()) == (2, [0, 0, 1])


numbered = st.lists(st.one_of(st.none(), st.integers(-20, 20)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(parts=st.lists(numbered, min_size=1, max_size=3), apart=st.sampled_from([1, 2**40]))
def test_whole_numbers_are_found_again(parts, apart):
    """Whether they lie close together, which is told without hashing them, or far apart."""
    total = Clusters((), np.zeros((0, 1), np.int64))
    for values in parts:
        column = pa.array([v if v is None else v * apart for v in values], pa.int64())
        found, group = clusters_of(Batch(len(values), {"g": column}), ["g"])
        total, place = total.merged(found)
        assert len(total.names[0].unique()) == total.count
        named = total.names[0].take(pa.array(total.cells[place[group[group >= 0]], 0]))
        assert named.to_pylist() == column.drop_null().to_pylist()
        assert (group < 0).tolist() == [v is None for v in values]


def test_sums_do_not_depend_on_how_many_rows_are_written_out(monkeypatch):
    task = TASKS["scores"]
    done = task.accumulate([batch(0, ROWS)])
    monkeypatch.setattr(cluster_scores, "HEIGHT", 7)
    monkeypatch.setattr(cluster_scores, "TOGETHER", 16)
    same(task.accumulate([batch(0, ROWS)]), done)


def test_clusters_without_rows_are_left_out():
    """Of a range of integers nearly all of which occur, all are numbered; 17 does not."""
    firm = np.array([v for v in range(30) if v != 17] * 2)
    rng = np.random.default_rng(1)
    data = {"y": rng.normal(size=len(firm)), "x": rng.normal(size=len(firm))}
    whole, text = ({**data, "firm": column} for column in (firm, firm.astype(str)))
    a, b = (gm.ols("y ~ x", table, vcov={"cluster": "firm"}) for table in (whole, text))
    np.testing.assert_allclose(a.vcov, b.vcov, rtol=1e-12)
    assert clusters_of(Batch(len(firm), {"firm": firm}), ["firm"])[0].count == 30
    assert "29 clusters" in a.summary()
    assert "29 clusters" in b.summary()


def test_types_of_different_files_meet():
    parts = [pa.array([1, 2], pa.int32()), pa.array([2, 5]), pa.array([2.0, 7.5]), pa.array([None, None])]
    total = Clusters((), np.zeros((0, 1), np.int64))
    for part in parts:
        total, _ = total.merged(clusters_of(Batch(2, {"g": part}), ["g"])[0])
    assert sorted(total.names[0].to_pylist()) == [1, 2, 5, 7.5]


def test_joint_numbers_have_no_gaps():
    cells = np.array([[5, 0], [2, 1], [5, 0], [2, 0]])
    assert sorted(set(joint(cells).tolist())) == [0, 1, 2]
    assert joint(cells[:, :1]).tolist() == [1, 0, 1, 0]
    assert joint(np.zeros((0, 2), np.int64)).tolist() == []
