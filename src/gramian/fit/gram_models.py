"""Models from what a Gram holds: of one outcome or several, of all rows, of a group, or of every group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gramian.errors import NumericalError, OptionError
from gramian.fit.apart import FOLDS, GROUPS, Apart, validation_names
from gramian.fit.gathered import Gathered
from gramian.fit.gram import fit_stored, in_float64, solve_stored
from gramian.fit.gram_robust import check_kept, with_clusters
from gramian.fit.keys import By
from gramian.fit.options import Options
from gramian.fit.passes import Accumulated
from gramian.fit.several import OUTCOME, Several, blamed, no_rows, warn
from gramian.fit.solved import Solved
from gramian.fit.submodel import Done, Submodel, submodel
from gramian.formula.design import Design, outcomes_of
from gramian.formula.grammar import parse
from gramian.formula.syntax import label
from gramian.formula.tally import Tally
from gramian.inference.recipes import Recipe
from gramian.linalg.keyed import Key
from gramian.linalg.moments import Moments
from gramian.typing import Level

Terms = str | Iterable[str]


class Asked(NamedTuple):
    """A model: its formula (None for the whole), the terms left out of it, a group or none."""

    formula: str | None = None
    drop: Terms | None = None
    where: Level | Key | None = None


class Folded(NamedTuple):
    """A design, the moments of its folds, all rows left out, and what the folds are called."""

    design: Design
    folds: Sequence[Moments]
    tally: Tally
    names: Sequence[str]


def fits(
    gathered: Gathered, asked: Asked, options: Options, recipe: Recipe | None = None, *, each: bool = False
) -> Solved | Several:
    """A fit, or with several outcomes or `each` group one of every outcome and group.

    Warns with AccuracyWarning where fewer digits are certified than are wanted. Raises what `submodel` and
    `solve_stored` do, OptionError where a group is not there or the clusters of the recipe are not kept.
    """
    if recipe is not None:
        check_kept(gathered, recipe, options)
    if each and asked.where is not None:
        raise OptionError("where names one group and each asks for all of them: take one of the two")
    models = _models(gathered, asked)
    if len(models) == 1 and not each:
        (model,) = models.values()
        found = fit_stored(*model.of(*_sums(gathered, asked.where)), options)
        return found if recipe is None else with_clusters(gathered, model.design, found, recipe)
    return _several(gathered, asked, models, options, recipe, each=each)


def conditions(gathered: Gathered) -> list[float]:
    """Estimated condition numbers of the whole model, for every outcome."""
    models = _models(gathered, Asked()).values()
    sums = gathered.moments, gathered.tally
    return [solve_stored(*model.of(*sums), Options(digits=0.0)).condition for model in models]


def one_model(gathered: Gathered, asked: Asked, what: str) -> tuple[Design, Accumulated]:
    """The design and the moments of one model, for `what`.

    Exact sums are rounded, once each. Raises OptionError for several outcomes, NumericalError where taking rows away
    has left no digits.
    """
    design, done = _one(gathered, asked, what).of(*_sums(gathered, asked.where))
    return design, _usable(design, done)


def folded(gathered: Gathered, asked: Asked) -> Folded:
    """What a cross-validation needs: the moments of every fold, or of every group that has rows.

    Raises OptionError where the pass kept neither, else what `one_model` does.
    """
    what = "cross-validation"
    model, apart = _one(gathered, asked, what), gathered.apart
    if apart is None:
        raise OptionError(
            f"cross-validation needs the sums of every fold, which this Gram does not keep; make it with {FOLDS}, or "
            f"with {GROUPS} to leave out one group after the other"
        )
    parts = {k: p for k, p in apart.parts.items() if p.moments.rows or not isinstance(apart.split, By)}
    if len(parts) < 2:
        raise OptionError(f"cross-validation needs two groups or more, and {apart.split} has {len(parts)} with rows")
    design, whole = model.of(gathered.moments, gathered.tally)
    _usable(design, whole)
    told = [_usable(design, model.of(*part)[1], judge=False).moments for part in _pairs(parts)]
    return Folded(design, told, whole.tally, validation_names(apart, list(parts)))


def _pairs(parts: Mapping[Key, Accumulated]) -> list[tuple[Moments, Tally]]:
    return [(part.moments, part.tally) for part in parts.values()]


def _one(gathered: Gathered, asked: Asked, what: str) -> Submodel:
    models = _models(gathered, asked)
    if len(models) > 1:
        names = ", ".join(name.removeprefix("~") for name in models)
        example = f"{next(iter(models)).removeprefix('~')} ~ ..."
        raise OptionError(f"{what} takes one outcome, and there are {names}: name one, as in formula='{example}'")
    (model,) = models.values()
    return model


def _usable(design: Design, done: Done, *, judge: bool = True) -> Accumulated:
    done = in_float64(design, done)
    if judge and done.moments.lessened and done.moments.rows:
        solve_stored(design, done, Options(digits=0.0))  # raises where no digits are left
    return done


def _sums(gathered: Gathered, where: Level | Key | None) -> tuple[Moments, Tally]:
    """All sums, or those of a group."""
    if where is None:
        return gathered.moments, gathered.tally  # type: ignore[return-value]  # of either arithmetic
    part = _groups(gathered, "where").at(where)
    return part.moments, part.tally


def _groups(gathered: Gathered, option: str) -> Apart:
    if gathered.apart is None or not isinstance(gathered.apart.split, By):
        raise OptionError(f"{option} needs the sums of every group, which this Gram does not keep; make it {GROUPS}")
    return gathered.apart


def _models(gathered: Gathered, asked: Asked) -> dict[str, Submodel]:
    """Every outcome of a formula with its model, in the order of the formula."""
    if asked.formula is None:
        stored = gathered.design.outcome
        if len(stored) == 1:
            return {next(iter(stored)): submodel(gathered, None, asked.drop)}
        return {response: submodel(gathered, None, asked.drop, response) for response in stored}
    formula = parse(asked.formula)
    nodes = outcomes_of(formula.outcome)
    if len(nodes) == 1:
        return {label(nodes[0]): submodel(gathered, formula, asked.drop)}
    terms = asked.formula.partition("~")[2]
    return {label(node): submodel(gathered, parse(f"{label(node)} ~{terms}"), asked.drop) for node in nodes}


def _several(
    gathered: Gathered,
    asked: Asked,
    models: Mapping[str, Submodel],
    options: Options,
    recipe: Recipe | None,
    *,
    each: bool,
) -> Several:
    outcomes = tuple(name.removeprefix("~") for name in models)
    names = (OUTCOME,) if len(models) > 1 else ()
    parts: Mapping[Key, tuple[Moments, Tally]] = {(): _sums(gathered, asked.where)}
    if each:
        if recipe is not None:
            raise OptionError("vcov by clusters goes with a fit to all rows, not with each group")
        apart = _groups(gathered, "each=True")
        names = (*names, *apart.split.names)
        parts = {key: (part.moments, part.tally) for key, part in apart.parts.items()}
    by = apart.split if each and isinstance(apart.split, By) else None
    formula = gathered.design.formula if asked.formula is None else asked.formula
    filled = {key: sums for key, sums in parts.items() if sums[0].rows}
    if not filled:
        raise NumericalError(no_rows(formula, gathered.tally))
    found: dict[Key, Solved] = {}
    for outcome, model in models.items():
        for key, sums in filled.items():
            with blamed(by, key):
                fit = solve_stored(*model.of(*sums), options)
            if recipe is not None:
                fit = with_clusters(gathered, model.design, fit, recipe)
            found[(*((outcome.removeprefix("~"),) if len(models) > 1 else ()), *key)] = fit
    warn(found, names, None)
    empty = {key: tally for key, (moments, tally) in parts.items() if not moments.rows}
    return Several(formula, names, found, gathered.tally, empty, outcomes)
