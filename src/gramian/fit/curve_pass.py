"""The passes of a curve: products at a trial point, and a sample to start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.batch import Batch
from gramian.formula.curve import Curve
from gramian.formula.reading import Observed, Reader
from gramian.formula.tally import Tally
from gramian.linalg.doubledouble import Pair, pair
from gramian.models.curve import products
from gramian.typing import Mask, Vector

BLOCK = 4096  # rows whose columns fit into the cache of one core


@dataclass(frozen=True, slots=True)
class Undefined:
    """Rows where the curve has no finite value or derivative; the first of them, and what it depends on there."""

    rows: int = 0
    where: str = ""
    row: int = 0
    inputs: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Undefined, /) -> Undefined:
        first = self if self.rows else other
        return Undefined(self.rows + other.rows, first.where, first.row, first.inputs)


@dataclass(frozen=True, slots=True)
class CurveSums:
    """Products (width, width) in double-double over blocks, rows, their log-weights, and rows that did not enter."""

    products: Pair
    rows: int
    log_weight: float
    undefined: Undefined
    tally: Tally

    def __add__(self, other: CurveSums, /) -> CurveSums:
        return CurveSums(
            self.products + other.products,
            self.rows + other.rows,
            self.log_weight + other.log_weight,
            self.undefined + other.undefined,
            self.tally + other.tally,
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """The pass: batches to products at these parameters, (p,) as a tuple."""

    curve: Curve
    beta: tuple[float, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.curve.design.columns

    @property
    def empty(self) -> CurveSums:
        """The sums of no rows."""
        width = self.curve.shape.width
        return CurveSums(pair(np.zeros((width, width))), 0, 0.0, Undefined(), Tally())

    def lift(self, batches: Iterable[Batch], /) -> CurveSums:
        """The sums of one unit."""
        reader, sums = Reader(self.curve.design), self.empty
        beta = np.array(self.beta)
        for batch in batches:
            with np.errstate(all="ignore"):
                observed, missing = complete(self.curve, reader.read(batch))
            for start in range(0, observed.rows, BLOCK):
                rows = slice(start, min(start + BLOCK, observed.rows))
                sums += self._block(observed, rows, beta)
            sums += CurveSums(self.empty.products, 0, 0.0, Undefined(), missing)
        return sums + CurveSums(self.empty.products, 0, 0.0, Undefined(), reader.tally)

    def _block(self, observed: Observed, rows: slice, beta: Vector) -> CurveSums:
        inputs = [observed.values[name][rows] for name in self.curve.variables]
        (response,) = self.curve.design.outcome
        weight = None if observed.weight is None else observed.weight[rows]
        S, bad = products(self.curve.shape, inputs, observed.values[response][rows], weight, beta)
        undefined, count = Undefined(), rows.stop - rows.start
        if bad is not None:
            at = int(np.argmax(bad))
            values = {name: float(x[at]) for name, x in zip(self.curve.variables, inputs, strict=True)}
            row = observed.row_number(rows.start + at)
            undefined = Undefined(max(int(bad.sum()), 1), observed.where, row, values)
            S = np.zeros_like(S)
        log_weight = 0.0 if weight is None else float(np.log(weight).sum())
        return CurveSums(pair(S), count, log_weight, undefined, Tally())


def complete(curve: Curve, observed: Observed) -> tuple[Observed, Tally]:
    """The rows whose outcome and inputs are finite, and those left out; a row without inputs is one that has them."""
    good: Mask = np.ones(observed.rows, bool)
    undefined = np.zeros(observed.rows, bool)
    missing: dict[str, int] = {}
    for name, values in observed.values.items():
        if not (finite := np.isfinite(values)).all():
            good &= finite
            undefined |= np.isnan(values)
            missing[name.lstrip("~")] = int((~finite).sum())
    if not missing:
        return observed, Tally()
    nan, out = int(undefined.sum()), int((~good).sum())
    tally = Tally({k: n for k, n in {"nan": nan, "infinite": out - nan}.items() if n}, missing)
    values = {name: v[good] for name, v in observed.values.items()}
    weight = None if observed.weight is None else observed.weight[good]
    before = np.ones(observed.rows, bool) if observed.kept is None else observed.kept
    kept = before.copy()
    kept[before] = good
    rest = replace(observed, rows=int(good.sum()), values=values, weight=weight, kept=kept)
    return rest, tally
