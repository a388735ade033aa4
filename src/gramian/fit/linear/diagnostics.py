"""Tests of the assumptions of a linear fit, from one pass over its rows in their order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gramian.batch import Source
from gramian.errors import OptionError
from gramian.fit.effects.accumulate import average_over
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.rows import EffectRows, RowsReader
from gramian.fit.effects.sums import StoredSums
from gramian.inference import diagnostics
from gramian.inference.diagnostics import DiagnosticTest
from gramian.linalg.blocks import BlockWriter, Predictor
from gramian.linalg.columns import Columns
from gramian.linalg.dense_rows import stored_rows
from gramian.results.tables import null_if_nan
from gramian.typing import Matrix, Vector

POWERS = (2, 3)  # of the fitted values, for RESET
MAX_WHITE = 40  # columns of which White's test forms the products of all pairs


@dataclass(slots=True)
class Sums:
    """Sums over the rows so far.

    Attributes
    ----------
    residual_powers : Vector
        (5,) sums of e^0 to e^4.
    differences : float
        Sum of squared differences of neighbouring residuals.
    squares : float
        Sum of u^2, where u = e^2 less its mean.
    columns : Matrix
        (1 + 2, q) sums of the stored columns times u, and times powers of the fitted values.
    powers : Matrix
        (2, 2) products of the powers of the fitted values.
    products : Vector
        (2,) products of these with the residuals.
    R : Matrix
        Triangular factor of White's columns, the squared residuals last.
    last : float
        The last residual; NaN before the first.
    """

    columns: Matrix
    R: Matrix
    residual_powers: Vector = field(default_factory=lambda: np.zeros(5))
    differences: float = 0.0
    squares: float = 0.0
    powers: Matrix = field(default_factory=lambda: np.zeros((2, 2)))
    products: Vector = field(default_factory=lambda: np.zeros(2))
    last: float = np.nan


def diagnose(model: EffectModel, source: Source) -> pa.Table:
    """The table of tests. Raises OptionError for fits that they are not defined for."""
    solved = model.solved
    refused = {
        "weights": solved.design.weight is not None or solved.design.count is not None,
        "a penalty": solved.alpha is not None,
        "absorbed factors": solved.absorbed is not None,
    }
    for what, is_there in refused.items():
        if is_there:
            raise OptionError(f"these tests are of a plain linear fit; this one has {what}")
    sums = _Pass(model, source).run()
    tests = _tests(model, sums)
    numbers = ("statistic", "df", "df_residual", "p_value")
    columns = {name: pa.array([null_if_nan(getattr(test, name)) for test in tests], pa.float64()) for name in numbers}
    texts = {name: pa.array([getattr(test, name) for test in tests], pa.string()) for name in ("name", "hypothesis")}
    return pa.table({"test": texts["name"], "hypothesis": texts["hypothesis"], **columns})


def _tests(model: EffectModel, sums: Sums) -> list[DiagnosticTest]:
    """All tests from the sums."""
    solved, rows = model.solved, int(sums.residual_powers[0])
    rss, df_residual = float(sums.residual_powers[2]), solved.rows - solved.effective
    X = model.solved_gradients(sums.columns)
    within = X @ solved.solution.inverse @ X.T  # what the columns explain of u and of the powers
    S = sums.powers - within[1:, 1:]
    return [
        diagnostics.breusch_pagan(float(within[0, 0]), sums.squares, rows, solved.rank - 1),
        diagnostics.white(sums.R, rows)
        if len(sums.R)
        else DiagnosticTest("White", f"errors of equal variance (not made of more than {MAX_WHITE} columns)", np.nan),
        diagnostics.reset(S, sums.products, rss, df_residual),
        diagnostics.durbin_watson(sums.differences, rss),
        diagnostics.jarque_bera(sums.residual_powers),
    ]


class _Pass:
    """The pass over the rows, in their order: neighbours matter, so that units are not read in parallel."""

    def __init__(self, model: EffectModel, source: Source) -> None:
        self.model, self.source = model, source
        self.task = average_over(model, (), source.schema, None)
        solved = model.solved
        self.mean_square = solved.rss / solved.rows
        # powers of fitted values about their mean span the same, beside a constant, and cancel less
        self.centre = solved.mean if solved.intercept else 0.0
        explained = max(solved.tss - solved.rss, 0.0) / solved.rows
        self.scale = float(np.sqrt(explained)) or 1.0
        self.predictor = Predictor(model.layout, model.groups, model.coefficients).prepare()
        self.pairs = np.triu_indices(len(solved.names)) if len(solved.names) <= MAX_WHITE else None
        width = 0 if self.pairs is None else len(self.pairs[0]) + 2
        self.sums = Sums(np.zeros((3, model.width)), np.zeros((0, width)))

    def run(self) -> Sums:
        """All sums."""
        if not self.task.outcome.outcome:
            raise OptionError("these tests need the outcome, which the rows do not have")
        writer = BlockWriter(self.model.layout, self.model.design.coordinates)
        reader = RowsReader(self.model.design, self.task.outcome, None)
        for unit in self.source.units:
            for batch in unit.batches(self.task.columns):
                for _, rows in reader.read(batch):
                    stored = StoredSums(self.model, reader.sizes)
                    for at, columns in writer.blocks(rows.count, rows.values, rows.codes, None):
                        self._add(rows, at, columns, stored)
        return self.sums

    def _add(self, rows: EffectRows, at: slice, columns: Columns, stored: StoredSums) -> None:
        """Add a block."""
        assert rows.outcome is not None
        fitted = self.predictor(columns, stored.sizes) + self.model.shift
        offset = 0.0 if rows.offset is None else rows.offset[at]
        e, sums = rows.outcome[at] - fitted - offset, self.sums
        steps = np.diff(e, prepend=e[:1] if np.isnan(sums.last) else [sums.last])
        sums.differences += float(steps @ steps)
        sums.last = float(e[-1])
        sums.residual_powers += [float((e**k).sum()) for k in range(5)]
        u = e**2 - self.mean_square
        sums.squares += float(u @ u)
        V = np.stack([((fitted - self.centre) / self.scale) ** k for k in POWERS])
        sums.powers += V @ V.T
        sums.products += V @ e
        weighted = stored.of(columns)
        for weight in (u, *V):
            weighted.add(weight)
        sums.columns += weighted.sums()
        if self.pairs is not None:
            self._add_pairs(columns, stored, e**2)

    def _add_pairs(self, columns: Columns, stored: StoredSums, squared: Vector) -> None:
        """Add a block to the triangular factor of a constant and the products of all pairs of columns."""
        assert self.pairs is not None
        Z = stored_rows(columns, self.model.layout, self.model.groups, stored.sizes)
        X = self.model.solved_gradients(Z)
        W = X[:, self.pairs[0]] * X[:, self.pairs[1]]
        block = np.column_stack([np.ones(len(X)), W, squared])
        self.sums.R = np.asarray(np.linalg.qr(np.vstack([self.sums.R, block]), mode="r"))
