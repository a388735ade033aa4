"""Several linear fits from one pass: one for every group of `by`, for every outcome of c(y1, y2), or for every pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

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


def run_several(
    formula: str, source: Source, options: Options, engine: Engine, by: By | None, progress: Progress | None
) -> Several:
    """Fit every outcome in every group after one pass. Raises what one fit would raise, with the group named."""
    names = _names(formula, by)
    schema = source.schema
    if by is None:
        design, source = prepare(formula, source, options, several=True)
        whole = engine.fold(source, Accumulate(design, options.drop), progress=progress)
        groups: dict[Key, Accumulated] = {(): whole}
    else:
        design, keyed, _ = run_keyed(formula, source, options, engine, by, progress)
        whole = keyed.total
        known = dict(keyed.items())
        groups = {key: known[key] for key in _in_order(keyed.keys, by, schema)}
    there = {key: done for key, done in groups.items() if done.moments.rows}
    if not there:
        raise NumericalError(no_rows(formula, whole.tally))
    fits = dict(_solved(design, there, options, by))
    empty = {key: done.tally for key, done in groups.items() if key not in there}
    outcomes = tuple(name.removeprefix("~") for name in design.outcome)
    return Several(formula, names, fits, whole.tally, empty, outcomes)


def no_rows(formula: str, tally: Tally) -> str:
    """What is said when no group has a row."""
    causes = ", ".join(f"{n:,} {cause}" for cause, n in tally.causes.items())
    return f"no rows are left to fit '{formula}': " + (f"{tally.total:,} left out ({causes})" if causes else "no data")


def _solved(
    design: Design, groups: Mapping[Key, Accumulated], options: Options, by: By | None
) -> Iterator[tuple[Key, Solved]]:
    most = width_limit()
    for response in design.outcome:
        alone = of_one(design, response)
        for key, done in groups.items():
            sizes = {name: len(known) for name, known in done.moments.levels.items()}
            wide = width(design.terms, sizes) >= WIDE
            with _blamed(by, key), nullcontext() if wide else one_thread():
                check_width(design.terms, sizes, most)
                outcome = (response.removeprefix("~"),) if len(design.outcome) > 1 else ()
                yield (*outcome, *key), solve_linear(alone, done, options)


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
