"""Expressions that compare, choose, or take parts of dates, on a batch.

As in R: a comparison with a missing value is missing, `TRUE | missing` is true and `FALSE & missing` false, a missing
value is not `%in%` a list, and ifelse() is missing where its test is, or what it chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Batch
from gramian.column import Numbers, both_present, present, raw
from gramian.errors import SchemaError
from gramian.formula.combinations import combinations
from gramian.formula.computed.cohorts import cohort_levels
from gramian.formula.computed.cuts import Cut, cut_of
from gramian.formula.evaluate import Evaluation
from gramian.formula.functions import IDENTITY_FUNCTIONS, literal_values
from gramian.formula.syntax import JOINS, LOGICAL, PAIRED, Binary, Call, Flag, Name, Node, Not, Text, label, names
from gramian.rowwise import DATE_PARTS, FAILURES, among, compared, is_array, is_boolean, kind, plain
from gramian.rowwise import JOINS as JOINED
from gramian.typing import Mask

PARALLEL: dict[str, Callable[[Any, Any], Any]] = {"pmin": np.minimum, "pmax": np.maximum}


def number(node: Node, evaluation: Evaluation) -> Numbers:
    """Value of an expression that chooses or compares, as a number: true is 1."""
    match node:
        case Call(function="ifelse", arguments=(test, yes, no)):
            decided, a, b = truth(test, evaluation), evaluation.value(yes), evaluation.value(no)
            return Numbers(np.where(decided.values, a.values, b.values), _chosen(decided, a.present, b.present))
        case Call(function="pmin" | "pmax" as function, arguments=arguments):
            parts = [evaluation.value(part) for part in arguments]
            values = reduce(PARALLEL[function], (part.values for part in parts))
            return Numbers(values, reduce(both_present, (part.present for part in parts)))
        case Call(function=function) if function in DATE_PARTS:
            part = array(node, evaluation)
            return Numbers(raw(part.cast(pa.float64())), present(part))
        case Flag(value=flag):
            return Numbers(np.float64(flag), None)  # type: ignore[arg-type]  # a scalar as a vector
        case Not() | Binary():
            decided = truth(node, evaluation)
            return Numbers(decided.values.astype(np.float64), decided.present)
    raise TypeError(f"no value of its own: {node}")


def truth(node: Node, evaluation: Evaluation) -> Numbers:
    """Where a condition is true (rows,), and where it is not missing."""
    values = _boolean(node, evaluation)
    return Numbers(raw(values.cast(pa.uint8())).astype(np.bool_), present(values))


def array(node: Node, evaluation: Evaluation) -> Any:
    """Value of an expression as an Arrow array, missing where a row has none; a constant as itself."""
    match node:
        case Name():
            return evaluation.batch.arrow(node.name)
        case Text() | Flag():
            return node.value
        case Not(operand=operand):
            return pc.invert(_boolean(operand, evaluation))
        case Binary(op=op) if op in JOINS:
            return JOINED[op](_boolean(node.left, evaluation), _boolean(node.right, evaluation))
        case Binary(op=op) if op in LOGICAL:
            return _comparison(node, evaluation)
        case Call() if node.function == PAIRED:
            return combinations([evaluation.batch.factor(name) for name in names(node)])
        case Call(function="sunab_period" | "sunab_cohort" as function, arguments=(cohort, period)):
            return cohort_levels(node, function, evaluation.value(cohort), evaluation.value(period))
        case Call(function="cut"):
            return _pieces(cut_of(node), evaluation.value(node.arguments[0]))
        case Call(function="ifelse", arguments=(test, yes, no)):
            return pc.if_else(_boolean(test, evaluation), *(plain(array(n, evaluation)) for n in (yes, no)))
        case Call(function=function, arguments=(argument,)) if function in DATE_PARTS:
            return _computed(DATE_PARTS[function], array(argument, evaluation), node)
        case Call(function=function, arguments=(argument,)) if function in IDENTITY_FUNCTIONS:
            return array(argument, evaluation)
    values, mask = evaluation.value(node)
    if np.ndim(values) == 0:
        return float(values)
    absent = np.isnan(values) if mask is None else np.isnan(values) | ~mask
    return pa.array(values, mask=absent if absent.any() else None)


def factor_columns(nodes: Mapping[str, Node], batch: Batch) -> dict[str, Any]:
    """Values of expressions that are factors, as Arrow arrays by name."""
    evaluation = Evaluation(batch)
    with np.errstate(all="ignore"):
        return {name: _repeated(array(node, evaluation), evaluation) for name, node in nodes.items()}


def _boolean(node: Node, evaluation: Evaluation) -> Any:
    """A condition as a boolean Arrow array."""
    values = _repeated(array(node, evaluation), evaluation)
    if not is_boolean(values):
        _refuse(node, f"it is not true or false, but {kind(values)}; compare it, as in {label(node)} > 0")
    return values


def _comparison(node: Binary, evaluation: Evaluation) -> Any:
    """A comparison of two expressions, or of one with a list."""
    left = array(node.left, evaluation)
    try:
        if node.op == "%in%":
            return pc.fill_null(among(left, literal_values(node.right)), False)
        return compared(node.op, left, array(node.right, evaluation))
    except ValueError as error:
        _refuse(node, str(error))


def _computed(function: Callable[[Any], Any], values: Any, node: Node) -> Any:
    """A function of an Arrow array. Raises SchemaError where its type has none."""
    try:
        return function(values)
    except FAILURES:
        _refuse(node, f"there is none of {kind(values)}")


def _refuse(node: Node, reason: str) -> NoReturn:
    """Raise SchemaError that names the expression."""
    raise SchemaError(f"{label(node)}: {reason}")


def _repeated(values: Any, evaluation: Evaluation) -> Any:
    """A constant as the same in every row."""
    return values if is_array(values) else pa.repeat(values, evaluation.batch.rows)


def _chosen(decided: Numbers, yes: Mask | None, no: Mask | None) -> Mask | None:
    """Rows in which the test is not missing, nor what it chooses."""
    if yes is None and no is None:
        return decided.present
    chosen = np.where(decided.values, True if yes is None else yes, True if no is None else no)
    return both_present(decided.present, chosen)


def _pieces(cut: Cut, numbers: Numbers) -> Any:
    """The interval of each row; missing outside of all."""
    codes = cut.codes(numbers.values)
    absent = codes < 0 if numbers.present is None else (codes < 0) | ~numbers.present
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=absent), pa.array(cut.labels))
