"""The answer to the first query: how many rows enter, why others do not, and where the variables lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.types as pt

from gramian.column import EXACT_INTEGER, numbers
from gramian.errors import DataError
from gramian.fit.database.queries import ENTERS, INFINITE, NAN, NULL, ZERO_WEIGHT, Queries
from gramian.fit.database.values import COUNTS, WEIGHTS
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.monomials import Coordinate, coordinate_about

CAUSES = {NULL: "null", ZERO_WEIGHT: "zero weight", NAN: "nan", INFINITE: "infinite"}


@dataclass(frozen=True, slots=True)
class Survey:
    """What the rows of a table are like.

    Attributes
    ----------
    total : int
        All rows.
    rows : int
        Those that enter.
    dropped_rows : DroppedRows
        The others.
    ranges : Mapping[str, tuple]
        Variable -> mean, lowest and highest value; nothing for a variable without a row that enters.
    """

    total: int
    rows: int
    dropped_rows: DroppedRows
    ranges: Mapping[str, tuple[float, float, float]]

    def coordinates(self, multiplied: frozenset[str]) -> dict[str, Coordinate]:
        """Shift and scale of every variable. multiplied : those of which products are stored."""
        return {
            v: coordinate_about(*range_, products=v in multiplied) if range_ else Coordinate()
            for v, range_ in self.ranges.items()
        }


def survey_of_complete(queries: Queries) -> Survey | None:
    """Ask the quicker first query; None where its answer leaves open which rows enter.

    Counts say that nothing is null; extremes say that nothing is NaN, infinite, of weight zero or beyond 2^53.
    """
    if queries.dialect.typeof or COUNTS in queries.values.numbers:
        return None
    wanted = queries.ranges()
    (answers,) = queries.table.connection.rows(queries.ranges_sql(wanted))
    found = dict(zip(wanted, answers, strict=True))
    total = _int(found["rows"])
    if not total or any(_int(n) < total for name, n in found.items() if name.startswith("count ")):
        return None
    means = {f"mean {key}": float(found[f"sum {key}"]) / total for key in queries.values.numbers}
    ranges = {key: _range(found | means, key) for key in queries.values.numbers}
    if not np.isfinite(list(ranges.values())).all() or (WEIGHTS in ranges and ranges[WEIGHTS][1] <= 0.0):
        return None
    if _has_integers(queries) and np.abs(list(ranges.values())).max() >= EXACT_INTEGER:
        return None
    ranges.pop(WEIGHTS, None)
    return Survey(total, total, DroppedRows(), ranges)


def _has_integers(queries: Queries) -> bool:
    """Whether a column holds integers of 64 bits, which a double may not."""
    types = (queries.table.types.field(name).type for name in queries.values.columns)
    return any(pt.is_integer(kind) and kind.bit_width == 64 for kind in types)


def survey_of(queries: Queries, *, drop: bool) -> Survey:
    """Ask the first query.

    Raises DataError for integers beyond 2^53, texts in a column of numbers, wrong weights, and incomplete rows where
    these may not be dropped.
    """
    table, wanted = queries.table, queries.survey()
    (answers,) = table.connection.rows(queries.survey_sql(wanted))
    found = dict(zip(wanted, answers, strict=True))
    _check_columns(queries, found)
    _check_weights(found, table.where)
    dropped_rows = DroppedRows(
        {cause: n for state, cause in CAUSES.items() if (n := _int(found[f"state {state}"]))}, _by_column(found)
    )
    if not drop:
        _refuse_dropped(dropped_rows, table.where)
    ranges = {key: _range(found, key) for key in queries.values.variables}
    return Survey(_int(found["rows"]), _int(found[f"state {ENTERS}"]), dropped_rows, ranges)


def _by_column(found: Mapping[str, Any]) -> dict[str, int]:
    """Column -> rows in which it is null or not finite; a row may count for several."""
    out: dict[str, int] = {}
    for name, value in found.items():
        what, _, key = name.partition("null ") if name.startswith("null ") else name.partition("not finite ")
        if not what and (n := _int(value)):
            label = key.lstrip("~=")
            out[label] = out.get(label, 0) + n
    return out


def _range(found: Mapping[str, Any], key: str) -> Any:
    """Mean, lowest and highest value of a variable; nothing where no row enters."""
    values = [found[f"{what} {key}"] for what in ("mean", "low", "high")]
    return () if None in values else tuple(map(float, values))


def _check_columns(queries: Queries, found: Mapping[str, Any]) -> None:
    """Raise DataError for raw values that are no float64."""
    where = queries.table.where
    for name in queries.values.columns:
        if n := _int(found.get(f"other {name}")):
            raise DataError(f"column '{name}' holds texts beside numbers, in {n:,} rows; cast it to one type", where)
        if _int(found.get(f"beyond {name}")):
            ((value,),) = queries.table.connection.rows(queries.beyond_sql(name))
            numbers(np.array([value], np.int64 if value < 2**63 else np.uint64), name, where)


def _check_weights(found: Mapping[str, Any], where: str) -> None:
    """Raise DataError for weights that are not finite or negative, and for counts that are no whole numbers."""
    for key, kind in ((WEIGHTS, "finite and"), (COUNTS, "a whole number that is")):
        if n := _int(found.get(f"wrong {key}")):
            raise DataError(f"{key[1:]} must be {kind} not negative; they are not in {n:,} rows", where)


def _refuse_dropped(dropped_rows: DroppedRows, where: str) -> None:
    """Raise DataError for rows with a missing or infinite value."""
    for name, n in dropped_rows.columns.items():
        raise DataError(f"'{name}' is missing or not finite in {n:,} rows (na=\"drop\" leaves such rows out)", where)


def _int(value: Any) -> int:
    """A count; a sum over no rows is null."""
    return 0 if value is None else int(value)
