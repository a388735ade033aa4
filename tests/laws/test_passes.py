"""The published laws, on every pass that there is."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.problems import FORMULAS, tables

from gramian import errors
from gramian.data.source import source_of
from gramian.fit.curve.accumulate import CurvePass, CurveSums
from gramian.fit.curve.fit import parsed_curve
from gramian.fit.curve.options import curve_options
from gramian.fit.curve.start import SamplePass
from gramian.fit.glm.accumulate import Linearize
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.accumulate_exact import AccumulateExact, ExactAccumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.testing import check_monoid, check_pass
from gramian.typing import Pass


def batches(table: pa.Table, columns: tuple[str, ...]) -> list[Any]:
    cut = table.num_rows // 3
    units = source_of([table.slice(0, cut), table.slice(cut)]).units
    return [batch for unit in units for batch in unit.batches(columns)]  # type: ignore[attr-defined]


def check(task: Pass[Any], table: pa.Table, **how: Any) -> None:
    check_pass(task, batches(table, task.columns), **how)


def design(formula: str, table: pa.Table, **options: Any) -> Any:
    return prepare(formula, source_of(table), Options(**options))[0]


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=5)
@given(data=st.data())
def test_least_squares(formula: str, data: st.DataObject) -> None:
    table = data.draw(tables())
    check(Accumulate(design(formula, table)), table)


@settings(max_examples=5)
@given(table=tables())
def test_weights_and_counts(table: pa.Table) -> None:
    check(Accumulate(design("y ~ f * x", table, weights="w", counts="w")), table)


@pytest.mark.parametrize(("family", "link"), [("gaussian", "identity"), ("gamma", "log"), ("quasipoisson", "sqrt")])
@settings(max_examples=5)
@given(table=tables())
def test_generalized_linear_models(family: str, link: str, table: pa.Table) -> None:
    model = GLM(family_named(family), link_named(link))
    check(Linearize(design("z ~ f + x", table), model, null=1.5, likelihood=True), table)


@settings(max_examples=5)
@given(table=tables())
def test_curves(table: pa.Table) -> None:
    """R'R of two triangles adds up to the squares of QR's backward error, a few hundred units for five columns."""

    def squares(sums: CurveSums) -> tuple[Any, ...]:
        return sums.factor.T @ sums.factor, sums.rows, sums.undefined.rows, sums.dropped_rows

    curve, _ = parsed_curve("y ~ a * exp(k * z)", source_of(table).schema, curve_options({"a": 1.0, "k": 0.1}))
    task = CurvePass(curve, (1.0, 0.1))
    known = batches(table, task.columns)
    whole = task.accumulate(known)
    np.testing.assert_array_equal(whole.factor, np.triu(whole.factor))
    size = max(np.linalg.norm(whole.factor) ** 2, 1.0)
    parts = task.empty
    for batch in known:
        parts = parts + task.accumulate([batch])
    np.testing.assert_allclose(squares(parts)[0], squares(whole)[0], rtol=0, atol=500 * 2.0**-53 * size)
    assert squares(parts)[1:] == squares(whole)[1:]


@settings(max_examples=5)
@given(table=tables())
def test_samples_are_the_same_to_the_bit(table: pa.Table) -> None:
    curve, _ = parsed_curve("y ~ logistic(z)", source_of(table).schema, curve_options())
    check(SamplePass(curve), table, exact=True, view=lambda sample: sample.arrays)


@settings(max_examples=5)
@given(table=tables())
def test_exact_sums_are_equal(table: pa.Table) -> None:
    def told(sums: ExactAccumulated) -> tuple[Any, ...]:
        return sums.moments.digest, sums.moments.rows, sums.dropped_rows

    check(AccumulateExact(design("y ~ f * x + g", table)), table, exact=True, view=told)


@dataclass(frozen=True)
class Forgetful(Accumulate):
    """A pass that breaks a law: it leaves out the first row of what it is given."""

    def accumulate(self, batches: Any, /) -> Accumulated:
        first, *rest = [*batches] or [None]
        return super().accumulate(rest) if rest or first is None else super().accumulate([first])


@dataclass(frozen=True)
class Sticky:
    """A partial whose sum depends on the side."""

    value: float

    def __add__(self, other: Sticky) -> Sticky:
        return Sticky(self.value + 1.001 * other.value)


def test_what_breaks_a_law_is_told() -> None:
    table = pa.table({"x": np.arange(9.0), "y": np.arange(9.0) ** 2})
    task = Forgetful(design("y ~ x", table))
    with pytest.raises(AssertionError, match=r"a law does not hold: .*pieces: what is counted"):
        check(task, table)
    with pytest.raises(AssertionError, match=r"empty \+ a == a"):
        check_monoid([Sticky(1.0), Sticky(2.0)], Sticky(0.0))
    with pytest.raises(AssertionError, match=r"a \+ b == b \+ a"):
        check_monoid([Sticky(1.0), Sticky(2.0)], Zero(0.0))


class Zero(Sticky):
    def __add__(self, other: Sticky) -> Sticky:
        return other


ERRORS = [
    errors.GramianError("a"),
    errors.OptionError("a"),
    errors.FormulaError("a", "y ~", 3),
    errors.MissingExtraError("distributed", "dask"),
    errors.EngineError("a"),
    errors.DataError("a", "b.parquet"),
    errors.UnreadableError("a", "b.parquet"),
    errors.SchemaError("a", "b.parquet"),
    errors.ColumnError("a", ("b", "c"), "d"),
    errors.NumericalError("a"),
    errors.NotIdentifiedError("a", {"b": "c"}),
    errors.ConvergenceError("a"),
    errors.AccuracyError("a"),
    errors.SeparationError("a", ("b",)),
    errors.ArtifactError("a"),
    errors.RoundedBasisError("a"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_come_back_from_other_processes_as_they_are(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_every_error_is_among_them() -> None:
    known = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GramianError)}
    assert known == {type(error) for error in ERRORS}


def test_a_pass_is_told_by_its_numbers() -> None:
    from gramian.fit.resume.checkpoint import fingerprint

    table = pa.table({"x": np.arange(9.0), "y": np.arange(9.0) ** 2, "f": list("abc") * 3})
    one, same = (Accumulate(design("y ~ x + f", table)) for _ in range(2))
    assert fingerprint(one) == fingerprint(same) == fingerprint(pickle.loads(pickle.dumps(one)))
    gamma = [GLM(family_named("gamma"), link_named(link)) for link in ("log", "inverse")]
    others = [replace(one, drop=False), Accumulate(design("y ~ x", table)), *(Linearize(one.design, m) for m in gamma)]
    assert len({fingerprint(task) for task in (one, *others)}) == 5
