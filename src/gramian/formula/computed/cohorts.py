"""Cohorts and periods of `sunab(cohort, period)`, the interaction-weighted event study.

A cohort is the period in which its units were treated. Units that are treated after the last period are never treated
and what others are compared with; those treated by the first period have no time before, and their rows are left out.

References
----------
L. Sun and S. Abraham, Estimating dynamic treatment effects in event studies with heterogeneous treatment effects,
Journal of Econometrics 225 (2021), 175-199.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.column import Numbers, both_present
from gramian.errors import DataError
from gramian.formula.functions import COHORTS, literal_values
from gramian.formula.syntax import Call, Negative, Node, Number, label
from gramian.formula.terms import Factor, Terms

Range = tuple[float, float, float]  # lowest and highest period, and the latest cohort


def settled(terms: Terms, ranges: Mapping[str, Range]) -> Terms:
    """The terms with the range of periods. ranges : factor -> its range.

    Raises DataError where nothing is left to compare with.
    """
    factors = {name: _settled(f, *ranges[name]) if name in ranges else f for name, f in terms.factors.items()}
    return replace(terms, factors=factors)


def open_factors(terms: Terms) -> dict[str, Call]:
    """The factors of sunab() whose range of periods is not known."""
    found = ((name, factor.node) for name, factor in terms.factors.items())
    return {
        name: node
        for name, node in found
        if isinstance(node, Call) and node.function in COHORTS and "high" not in dict(node.keywords)
    }


def _settled(factor: Factor, low: float, high: float, latest: float) -> Factor:
    """A factor with the range of periods."""
    node, omitted = factor.node, factor.omitted or ()
    assert isinstance(node, Call)
    if latest <= high and node.function == "sunab_cohort" and not omitted:
        cohort, period = map(label, node.arguments)
        reason = f"sunab: every unit is treated by the last period, {high:g}, so none is left to compare with"
        raise DataError(f"{reason}; name a reference, as in sunab({cohort}, {period}, ref_c={latest:g})")
    known = (*node.keywords, ("low", _number(low)), ("high", _number(high)))
    settled_node = replace(node, keywords=known)
    never = (never_treated(node.function, low, high),) if latest > high else ()
    return replace(factor, node=settled_node, column=label(settled_node), omitted=(*never, *omitted))


def never_treated(function: str, low: float, high: float) -> float:
    """The level of units that are never treated: a cohort, or a time since the treatment, that no other unit has."""
    return high + 1.0 if function == "sunab_cohort" else high - low + 1.0


def _number(value: float) -> Node:
    """A number as a node."""
    return Number(value) if value >= 0 else Negative(Number(-value))


def cohort_levels(node: Call, function: str, cohort: Numbers, period: Numbers) -> Any:
    """The level of each row, (rows,): periods since its treatment, or its cohort; missing for always treated units."""
    keywords = {key: literal_values(value) for key, value in node.keywords}
    (low,), (high,) = keywords["low"], keywords["high"]
    c, p = cohort.values, period.values
    never, always = c > high, c <= low
    values = np.where(never, never_treated(function, low, high), p - c if function == "sunab_period" else c)
    absent = always | np.isnan(c) | np.isnan(p)
    present = both_present(cohort.present, period.present)
    return pa.array(values, pa.float64(), mask=absent if present is None else absent | ~present)
