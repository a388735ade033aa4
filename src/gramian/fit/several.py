"""Several linear fits from one pass: one for every group of `by`, for every outcome of c(y1, y2), or for every pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import NamedTuple

from gramian.batch import Schema, Source
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress
from gramian.errors import GramianError, NumericalError, OptionError
from gramian.fit.keyed import run_keyed
from gramian.fit.keys import By, told
from gramian.fit.limits import check_width, width, width_limit
from gramian.fit.linear import solve_linear
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate, Accumulated
from gramian.fit.prepare import prepare
from gramian.fit.engine import Engine
from gramian.fit.recentre import recentred
from gramian.fit.run import WIDE
from gramian.fit.solved import Solved
from gramian.formula.design import Design, outcomes_of
from gramian.formula.grammar import parse
from gramian.formula.syntax import label
from gramian.formula.tally import Tally
from gramian.linalg.keyed import Key
from gramian.typing import Level

OUTCOME = "outcome"


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


def run_several(
    formula: str, source: Source, options: Options, engine: Engine, by: By | None, progress: Progress | None
) -> Several:
    """Fit every outcome in every group after one pass, or two where groups are far from each other.

    Raises what one fit would raise, with the group named.
    """
    names = _names(formula, by)
    groups, tally = (
        _whole(formula, source, options, engine, progress)
        if by is None
        else _by(formula, source, options, engine, by, progress)
    )
    there = {key: group for key, group in groups.items() if group.done.moments.rows}
    if not there:
        raise NumericalError(no_rows(formula, tally))
    outcomes, most = tuple(next(iter(there.values())).design.outcome), width_limit()
    several = len(outcomes) > 1
    fits = {
        ((response.removeprefix("~"),) if several else ()) + key: _solved(group, response, options, most, by, key)
        for response in outcomes
        for key, group in there.items()
    }
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
        keyed = engine.fold(run.source, again.task, progress=progress)
        found = {key: Group(design, done, 2) for key, design, done in again.items(keyed)}
    return {key: found[key] for key in _in_order(list(found), by, schema)}, run.keyed.tally


def no_rows(formula: str, tally: Tally) -> str:
    """What is said when no group has a row."""
    causes = ", ".join(f"{n:,} {cause}" for cause, n in tally.causes.items())
    return f"no rows are left to fit '{formula}': " + (f"{tally.total:,} left out ({causes})" if causes else "no data")


def _solved(group: Group, response: str, options: Options, most: int, by: By | None, key: Key) -> Solved:
    design, done = of_one(group.design, response), group.done
    sizes = {name: len(known) for name, known in done.moments.levels.items()}
    with _blamed(by, key), one_thread() if width(design.terms, sizes) < WIDE else nullcontext():
        check_width(design.terms, sizes, most)
        return solve_linear(design, done, options, group.passes)


def of_one(design: Design, response: str) -> Design:
    """The design with one of its outcomes."""
    if len(design.outcome) == 1:
        return design
    node = design.outcome[response]
    formula = f"{label(node)} ~{design.formula.partition('~')[2]}"
    return replace(design, formula=formula, outcome={response: node})


@contextmanager
def _blamed(by: By | None, key: Key) -> Iterator[None]:
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
