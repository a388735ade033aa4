"""The sums of a Gram as arrays, sums of some of its groups, and a Gram of sums that somebody else made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from gramian.errors import OptionError, did_you_mean, listing
from gramian.fit.gram.fit import in_float64
from gramian.fit.gram.group_sums import GROUPS
from gramian.fit.gram.provenance import Provenance, ReadInput, fingerprint
from gramian.fit.gram.submodel import submodel
from gramian.fit.gram.sums import GramData
from gramian.fit.linear.correlation import CentredColumns, centred_columns
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.keys import ByColumns, describe_key
from gramian.formula.design import Design, design_of
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.expand import Expanded
from gramian.formula.syntax import Name, label
from gramian.linalg.certificate import EPS
from gramian.linalg.keyed.moments import Key
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate, Monomial
from gramian.schema import Field, Kind, Schema
from gramian.typing import Level, Matrix, Vector

LARGEST_ERROR = 0.1  # of sums that are worth anything
BEYOND = 300  # binary exponents of a length from which on its square is scaled


def centred_sums(gram_data: GramData) -> CentredColumns:
    """All stored columns about their means, several outcomes last. Raises as `centred_columns`."""
    *others, last = gram_data.design.outcome
    model = submodel(gram_data, None, None, last)
    design, accumulated = model.of(gram_data.moments, gram_data.dropped_rows)
    if others:
        named = ", ".join(name.removeprefix("~") for name in gram_data.design.outcome)
        raise OptionError(f"the sums of several outcomes ({named}) have no matrix of one model: make a Gram of each")
    return centred_columns(design, in_float64(design, accumulated).moments)


def total_of(gram_data: GramData, keys: Iterable[Level | Key]) -> GramData:
    """The content of the Gram of some groups. Raises OptionError for groups that are not there, or are named twice."""
    group_sums = gram_data.group_sums
    if group_sums is None or not isinstance(group_sums.grouping, ByColumns):
        raise OptionError(f"this Gram stores no sums of groups; make it with {GROUPS}")
    chosen = list(keys)
    if not chosen or len(set(chosen)) < len(chosen):
        raise OptionError("name at least one group, each once" if not chosen else "a group is named twice")
    part = reduce(add, map(group_sums.at, chosen))
    names = [describe_key(group_sums.grouping, key if isinstance(key, tuple) else (key,)) for key in chosen]
    return _data(replace(gram_data.design, levels=dict(part.moments.levels)), gram_data.schema, part, listing(names, 5))


def _data(design: Design, schema: Schema, sums: Accumulated, name: str) -> GramData:
    """The content of a Gram of sums that are known by their digest."""
    rows = sums.moments.rows + sums.dropped_rows.total
    read = ReadInput(name, rows=rows, sha256=fingerprint(sums.moments))
    return GramData(design, schema, sums.moments, sums.dropped_rows, Provenance({read: 1}))


def data_of_moments(
    names: Sequence[str],
    products: Any,
    means: Any,
    rows: int,
    *,
    outcome: str | None = None,
    weight: float | None = None,
    error: float | None = None,
) -> GramData:
    """The content of a Gram of given sums; parameters and errors as of `gramian.from_moments`."""
    columns = _checked_names(names)
    rows, total_weight = _checked_rows(rows), _checked_weight(rows, weight)
    stated = _checked_error(error, rows)
    S, centre = _checked_arrays(columns, products, means)
    S = _checked_products(columns, S, stated)
    response = columns[-1] if outcome is None else outcome
    if response not in columns:
        raise OptionError(f"outcome: no column '{response}'{did_you_mean(response, columns)}")
    design = _design(columns, response)
    lengths = np.sqrt(S.diagonal())
    # about the means, so that sums are small; a power of two only where squares would leave the range of float64
    exponents = [math.frexp(size)[1] if size and abs(math.frexp(size)[1]) > BEYOND else 0 for size in lengths.tolist()]
    variable = {name: f"~{label(Name(name))}" if name == response else label(Name(name)) for name in columns}
    coordinates = {
        variable[name]: Coordinate(float(mean), exponent)
        for name, mean, exponent in zip(columns, centre, exponents, strict=True)
    }
    design = replace(design, coordinates=coordinates, levels={})
    position: dict[Monomial, int] = {((variable[name], 1),): i for i, name in enumerate(columns)}
    order = [position[monomial] for monomial in design.layout.rows[1:]]
    dense = np.zeros((len(columns) + 1, len(columns) + 1))
    dense[0, 0] = total_weight
    scale = np.ldexp(1.0, -np.array(exponents))
    dense[1:, 1:] = (S * scale[:, None] * scale)[np.ix_(order, order)]
    log_weight = 0.0 if total_weight == rows else math.nan  # of weights only their sum is known
    moments = Moments(design.layout, design.coordinates, rows, log_weight, dense, {}, {}, stated_error=stated)
    schema = Schema(tuple(Field(name, Kind.NUMBER, "double") for name in columns))
    return _data(design, schema, Accumulated(moments, DroppedRows()), "given sums")


def _design(columns: Sequence[str], response: str) -> Design:
    """A design with every other column as a term."""
    others = tuple((Name(name),) for name in columns if name != response)
    right = " + ".join(label(name) for (name,) in others) or "1"
    schema = Schema(tuple(Field(name, Kind.NUMBER, "double") for name in columns))
    return design_of(Expanded(Name(response), others, True, ()), f"{label(Name(response))} ~ {right}", schema)


def _checked_names(names: Any) -> tuple[str, ...]:
    """The names of columns."""
    columns = (names,) if isinstance(names, str) else tuple(names)
    # as formulas and `Gram.names` write what is no identifier
    columns = tuple(n[1:-1] if isinstance(n, str) and len(n) > 2 and n[0] == n[-1] == "`" else n for n in columns)
    wrong = [name for name in columns if not isinstance(name, str) or not name or "`" in name]
    if wrong or not columns:
        what = f"found {wrong[0]!r}" if wrong else "there are none"
        raise OptionError(f"names must be texts, one for each column, the outcome last; {what}")
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise OptionError(f"names: '{twice}' stands there twice, and every column has a name of its own")
    return columns


def _checked_rows(rows: Any) -> int:
    """The number of rows."""
    if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or not 0 < rows < 2**63:
        raise OptionError(f"rows must be a whole number above 0, found {rows!r}")
    return int(rows)


def _checked_weight(rows: int, weight: Any) -> float:
    """The sum of weights, by default one for each row."""
    if weight is None:
        return float(rows)
    if isinstance(weight, bool) or not isinstance(weight, int | float | np.number) or not 0.0 < weight < math.inf:
        raise OptionError(f"weight must be the sum of the weights, a finite number above 0; found {weight!r}")
    return float(weight)


def _checked_error(error: Any, rows: int) -> float:
    """The relative error of the products: as stated, or that of float64 sums in any order, rows * 2^-53."""
    if error is None:
        return min(rows * EPS, LARGEST_ERROR)
    if isinstance(error, bool) or not isinstance(error, int | float | np.number) or not 0.0 <= error <= LARGEST_ERROR:
        raise OptionError(
            f"error must be a number from 0 to {LARGEST_ERROR}: by what part of the lengths of both columns a product "
            f"may be off; found {error!r}"
        )
    return float(error)


def _checked_arrays(columns: Sequence[str], products: Any, means: Any) -> tuple[Matrix, Vector]:
    """Products (p, p) and means (p,) as finite float64 arrays."""
    p = len(columns)
    arrays = []
    for what, values, shape in (("products", products, (p, p)), ("means", means, (p,))):
        try:
            array = np.array(values, np.float64)
        except (TypeError, ValueError) as problem:
            raise OptionError(f"{what} must be an array of numbers: {problem}") from problem
        if array.shape != shape:
            raise OptionError(f"{what} must have the shape {shape} for {p} names, found {array.shape}")
        if not np.isfinite(array).all():
            at = columns[int(np.argwhere(~np.isfinite(array))[0][0])]
            raise OptionError(f"{what} of '{at}' are not finite; leave the column out, or sum its complete rows alone")
        arrays.append(array)
    return arrays[0], arrays[1]


def _checked_products(columns: Sequence[str], S: Matrix, error: float) -> Matrix:
    """The products (p, p), once they are found to be those of real columns, up to their rounding; exactly symmetric."""
    squares = S.diagonal()
    if (squares < 0.0).any():
        name = columns[int(np.argmin(squares))]
        raise OptionError(f"products: the square of '{name}' is negative; they must be sums about the means")
    lengths = np.sqrt(squares)
    p, scale = len(columns), np.where(lengths > 0.0, lengths, 1.0)
    R = S / scale[:, None] / scale
    tolerance = 2.0 * error + 8.0 * EPS  # both halves, and the two divisions
    if (gap := np.abs(R - R.T)).max(initial=0.0) > tolerance:
        i, j = divmod(int(np.argmax(gap)), p)
        raise OptionError(
            f"products must be symmetric: that of '{columns[i]}' with '{columns[j]}' is {S[i, j]:.17g} in one half and "
            f"{S[j, i]:.17g} in the other"
        )
    R = (R + R.T) / 2.0
    lowest = float(np.linalg.eigvalsh(R)[0])
    # the norm of a matrix of errors is at most p times the largest of them; eigvalsh itself rounds by a few p EPS
    if lowest < -p * (error + 16.0 * EPS):
        raise OptionError(
            f"products are not those of any columns: scaled to lengths of 1 they have the eigenvalue {lowest:.2g}, and "
            f"sums of squares have none below 0; are they about the means, and of the same rows? error= states a "
            "larger rounding error"
        )
    return (S + S.T) / 2.0
