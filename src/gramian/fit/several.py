"""Several linear fits from one pass: one for every group of `by`, for every outcome of c(y1, y2), or for every pair."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from gramian.batch import Source
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress
from gramian.errors import AccuracyWarning, GramianError, NumericalError, OptionError
from gramian.fit.engine import Engine
from gramian.fit.keyed import run_keyed
from gramian.fit.keys import By, keyed, told
from gramian.fit.ladder import SMALL, climb, reached, shortfall
from gramian.fit.limits import check_width, width, width_limit
from gramian.fit.linear import System, first_rung
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate, Accumulated
from gramian.fit.prepare import prepare
from gramian.fit.recentre import recentred
from gramian.fit.run import WIDE
from gramian.fit.solved import Solved
from gramian.fit.subset import Subset
from gramian.formula.design import Design, of_one, outcomes_of
from gramian.formula.grammar import parse
from gramian.formula.tally import Tally
from gramian.linalg.keyed import Key
from gramian.schema import Schema
from gramian.typing import Level

OUTCOME = "outcome"
CLIMBING = 20  # fits that read a large source again
NAMED = 5  # fits with too few digits that are told one by one


@dataclass(frozen=True, slots=True)
class Several:
    """Linear fits by key.

    names : what the parts of a key are called. fits : key -> fit, outcomes in the order of the formula, groups in the
    order of their levels. tally : all rows left out. empty : groups without a complete row, and why they have none.
    """

    formula: str
    names: tuple[str, ...]
    fits: Mapping[Key, Solved]
    tally: Tally
    empty: Mapping[Key, Tally]
    outcomes: tuple[str, ...]


def has_several(formula: str) -> bool:
    """Whether a formula has several outcomes."""
    return len(outcomes_of(parse(formula).outcome)) > 1


class Group(NamedTuple):
    """The moments of a group, the design in the coordinates that they are told in, and the passes they took."""

    design: Design
    done: Accumulated
    passes: int = 1


@dataclass(frozen=True, slots=True)
class Work:
    """What all fits share. most : columns that fit into memory."""

    options: Options
    source: Source
    engine: Engine
    by: By | None
    progress: Progress | None
    most: int


def run_several(
    formula: str, source: Source, options: Options, engine: Engine, by: By | None, progress: Progress | None
) -> Several:
    """Fit every outcome in every group after one pass, or two where groups are far from each other.

    A fit with fewer certified digits than wanted climbs further, with its own rows only. Warns with AccuracyWarning of
    those that cannot. Raises what one fit would raise, with the group named.
    """
    if options.exact:
        raise OptionError("exact sums are kept for one fit at a time: leave exact out, or fit one group and outcome")
    names = _names(formula, by)
    groups, tally = (
        _whole(formula, source, options, engine, progress)
        if by is None
        else _by(formula, source, options, engine, by, progress)
    )
    there = {key: group for key, group in groups.items() if group.done.moments.rows}
    if not there:
        raise NumericalError(no_rows(formula, tally))
    outcomes = tuple(next(iter(there.values())).design.outcome)
    work = Work(options, source, engine, by, progress, width_limit())
    several = len(outcomes) > 1
    asked = {((r.removeprefix("~"),) if several else ()) + k: (g, r, k) for r in outcomes for k, g in there.items()}
    fits = {key: _first(*which, work)[1] for key, which in asked.items()}
    for key in _to_climb(fits, source):
        fits[key] = _climbed(*asked[key], work)
    warn(fits, names, source)
    empty = {key: group.done.tally for key, group in groups.items() if key not in there}
    return Several(formula, names, fits, tally, empty, tuple(name.removeprefix("~") for name in outcomes))


def _whole(
    formula: str, source: Source, options: Options, engine: Engine, progress: Progress | None
) -> tuple[dict[Key, Group], Tally]:
    design, source = prepare(formula, source, options, several=True)
    done = engine.fold(source, Accumulate(design, options.drop), progress=progress)
    return {(): Group(design, done)}, done.tally


def _by(
    formula: str, source: Source, options: Options, engine: Engine, by: By, progress: Progress | None
) -> tuple[dict[Key, Group], Tally]:
    schema = source.schema
    run = run_keyed(formula, source, options, engine, by, progress)
    again = recentred(run.task, run.keyed) if run.source.rereadable else None
    if again is None:
        found = {key: Group(run.design, done) for key, done in run.keyed.items()}
    else:
        second = engine.fold(run.source, again.task, progress=progress)
        found = {key: Group(design, done, 2) for key, design, done in again.items(second)}
    return {key: found[key] for key in _in_order(list(found), by, schema)}, run.keyed.tally


def no_rows(formula: str, tally: Tally) -> str:
    """What is said when no group has a row."""
    causes = ", ".join(f"{n:,} {cause}" for cause, n in tally.causes.items())
    return f"no rows are left to fit '{formula}': " + (f"{tally.total:,} left out ({causes})" if causes else "no data")


def _first(group: Group, response: str, key: Key, work: Work) -> tuple[System, Solved]:
    """What the pass alone gives."""
    design, done = of_one(group.design, response), group.done
    sizes = {name: len(known) for name, known in done.moments.levels.items()}
    with blamed(work.by, key), one_thread() if width(design.terms, sizes) < WIDE else nullcontext():
        check_width(design.terms, sizes, work.most)
        return first_rung(design, done, work.options, group.passes)


def _to_climb(fits: Mapping[Key, Solved], source: Source) -> list[Key]:
    """Fits with too few digits; not all of them where each would read a large source again."""
    short = [key for key, fit in fits.items() if not reached(fit)] if source.rereadable else []
    values = np.inf if source.rows is None else source.rows * max((len(f.names) + 1 for f in fits.values()), default=0)
    return short if values <= SMALL else short[:CLIMBING]


def _climbed(group: Group, response: str, key: Key, work: Work) -> Solved:
    """A fit with the digits that are wanted, if further passes over its own rows give them."""
    system, first = _first(group, response, key, work)
    others = tuple(node for name, node in group.design.outcome.items() if name != response)
    mine, design = Subset(work.source, work.by, key, others), of_one(group.design, response)
    with blamed(work.by, key), warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # told of all fits together
        return climb(first, design, group.done, work.options, system, mine, work.engine, work.progress)


def warn(fits: Mapping[Key, Solved], names: Sequence[str], source: Source | None) -> None:
    """One warning for all fits with fewer digits than wanted."""
    short = {key: fit for key, fit in fits.items() if not reached(fit)}
    lines = [f"{keyed(names, key)}: {shortfall(fit, source)}" for key, fit in islice(short.items(), NAMED)]
    more = [f"{len(short) - NAMED:,} more fits have too few digits"] if len(short) > NAMED else []
    if short:
        warnings.warn(AccuracyWarning("\n".join([*lines, *more])), stacklevel=4)


@contextmanager
def blamed(by: By | None, key: Key) -> Iterator[None]:
    """Name the group in what is raised."""
    try:
        yield
    except GramianError as error:
        if by is not None:
            error.args = (f"{told(by, key)}: {error}", *error.args[1:])
        raise


def _names(formula: str, by: By | None) -> tuple[str, ...]:
    names = () if by is None else by.names
    if not has_several(formula):
        return names
    if OUTCOME in names:
        raise OptionError(f"by='{OUTCOME}': with several outcomes this names the outcome of a fit; rename the column")
    return (OUTCOME, *names)


def _in_order(keys: Sequence[Key], by: By, schema: Schema) -> list[Key]:
    """Keys in the order of their levels: that of an ordered categorical where the column is one, else canonical."""
    declared = [{level: i for i, level in enumerate(schema[name].levels or ())} for name in by.names]

    def place(key: Key) -> list[tuple[int, int, Level]]:
        parts = zip(key, declared, strict=True)
        return [(known.get(v, len(known)), isinstance(v, str), 0 if v in known else v) for v, known in parts]

    return sorted(keys, key=place)
