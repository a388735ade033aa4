"""The keyed pass of a formula, as groups and folds make it."""

from typing import Any, NamedTuple

from gramian.fit.passes.accumulate_keyed import check_folds, keyed_job, keyed_pass
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.options import Options
from gramian.formula.grammar import parse


class KeyedRun(NamedTuple):
    design: Any
    keyed: Any
    source: Any
    task: Any


def keyed_sums(formula, source, engine, grouping, memory=None):
    """The keyed pass of a formula: what ran it, the pass, and the sums of every key."""
    job = keyed_job(parse(formula), Options(), PassRunner(source, engine), grouping)
    job.prepare()
    task = keyed_pass(job, grouping, memory)
    keyed = job.fold(task)
    check_folds(keyed)
    return KeyedRun(job.design, keyed, job.source, task)
