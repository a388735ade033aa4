"""Everything about one problem, as text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from trial.answer import Answer, NotCertifiedError
from trial.problem import Problem
from trial.run import told
from trial.scoring import compared, verdict
from trial.truth import Truth, as_array, truth_of, within_rounding

ROWS = 12  # that are shown


def problem(one: Problem, fit: Callable[[Problem], Answer]) -> str:
    """What was drawn, what is right, what the library says, and the score."""
    truth = truth_of(one)
    return "\n".join([*_facts(one), "", *_rows(one), "", *_truth(truth), "", *_answered(one, truth, fit)])


def _facts(one: Problem) -> list[str]:
    options = {"weights": one.weights, "counts": one.counts}
    named = [f"{name}='{value}'" for name, value in options.items() if value]
    return [
        f"problem {one.number}, {one.family}: {one.what}",
        f"{one.formula}{''.join(', ' + text for text in named)}",
        f"{one.rows} rows, data {one.digest}",
        *([f"{len(one.removed['y'])} rows are added and taken out again"] if one.removed is not None else []),
        f"from trial.problems import problem; data = dict(problem({one.number}).data)",
    ]


def _rows(one: Problem) -> list[str]:
    """The first rows and the range of every column."""
    shown = min(one.rows, ROWS)
    lines = [f"  {name}: {', '.join(map(repr, values[:shown].tolist()))}" for name, values in one.data.items()]
    numbers = {name: v for name, v in one.data.items() if v.dtype.kind == "f"}
    ranges = [
        f"  {name}: {v.min():.17g} to {v.max():.17g}, mean {np.mean(v):.6g}, spread {np.std(v):.3g}"
        for name, v in numbers.items()
    ]
    return [f"first {shown} rows:", *lines, "ranges:", *ranges]


def _truth(truth: Truth) -> list[str]:
    table = zip(
        truth.names, as_array(truth.coefficients), as_array(truth.std_errors), as_array(truth.inverse), strict=True
    )
    lines = [f"  {name}: {b:.17g}, std error {e:.17g}, (X'WX)^-1 {v:.6g}" for name, b, e, v in table]
    (rss,) = as_array([truth.rss])
    aliased = f", aliased: {', '.join(sorted(truth.aliased))}" if truth.aliased else ""
    return [f"exact: rank {truth.rank} of {len(truth.names)}{aliased}, {truth.rows} rows, rss {rss:.17g}", *lines]


def _answered(one: Problem, truth: Truth, fit: Callable[[Problem], Answer]) -> list[str]:
    try:
        answer = fit(one)
    except NotCertifiedError as missing:
        return [f"not fitted: {missing}"]
    refusal, wrong = verdict(answer, truth, partial(within_rounding, one))
    lines = [f"refused: {refusal}"] * bool(refusal) + [f"wrong: {wrong}"] * bool(wrong)
    lines += [f"error: {answer.refused}"] * bool(answer.refused) + [f"warning: {text}" for text in answer.warnings]
    if answer.refused or answer.names != truth.names:
        return lines
    model = truth if answer.aliased == truth.aliased else truth_of(one, answer.aliased)
    marks = ((f, "TOO MUCH CERTIFIED: " if f.violated else "") for f in compared(answer, model))
    return [f"answered: tier {answer.tier}, {answer.passes} passes", *lines, *(f"  {m}{told(f)}" for f, m in marks)]
