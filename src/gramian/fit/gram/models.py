"""Models of a Gram: of one outcome or several, of all rows, of a group, or of every group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gramian.errors import NumericalError, OptionError
from gramian.fit.gram.fit import fit_stored, in_float64, solve_stored
from gramian.fit.gram.group_sums import FOLDS, GROUPS, GroupSums, validation_names
from gramian.fit.gram.submodel import AnyAccumulated, Submodel, submodel
from gramian.fit.gram.sums import GramData
from gramian.fit.gram.vcov import check_stored_clusters, with_cluster_vcov
from gramian.fit.groups.fit import GroupedFits, error_context, no_rows_message, warn
from gramian.fit.groups.result import Fits
from gramian.fit.groups.specifications import OUTCOME, key_names, specifications
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.keys import ByColumns
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.grammar import Formula, parse
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.keyed.moments import Key
from gramian.linalg.moments import Moments
from gramian.typing import Level

Terms = str | Iterable[str]


class ModelSpec(NamedTuple):
    """A request for a model of a Gram.

    Attributes
    ----------
    formula : str, Formula or None
        Formula of the model, perhaps parsed; None for that of the Gram.
    drop : str or iterable of str, optional
        Terms to leave out of it.
    where : level or tuple of levels, optional
        The group whose rows are used; None for all rows.
    """

    formula: str | Formula | None = None
    drop: Terms | None = None
    where: Level | Key | None = None

    @property
    def text(self) -> str:
        """The formula as it was given."""
        return self.formula.text if isinstance(self.formula, Formula) else self.formula or ""


class FoldMoments(NamedTuple):
    """Inputs of a cross-validation.

    Attributes
    ----------
    design : Design
        The model.
    folds : sequence of Moments
        Moments of each fold or group.
    dropped_rows : DroppedRows
        Dropped rows of all folds.
    names : sequence of str
        Names of the folds or groups.
    """

    design: Design
    folds: Sequence[Moments]
    dropped_rows: DroppedRows
    names: Sequence[str]


def fits(
    gram_data: GramData, spec: ModelSpec, options: Options, vcov: VcovSpec | None = None, *, each: bool = False
) -> LinearFit | Fits:
    """The fit of a model; with several outcomes, or with `each`, the fits of all outcomes and groups.

    Warns with AccuracyWarning if fewer digits are certified than requested.

    Parameters
    ----------
    gram_data : GramData
        Stored sums.
    spec : ModelSpec
        Formula, terms to leave out, and group.
    options : Options
        `alpha`, `drop_first`, `collinear` and `digits` are used.
    vcov : VcovSpec or None
        Covariance by cluster; None for iid errors.
    each : bool
        Whether to fit every group.

    Raises
    ------
    OptionError
        If the group has no rows, or groups or these clusters are not stored.
    SchemaError, ColumnError, NumericalError
        As `submodel` and `solve_stored`.
    """
    # options first: their errors need no solution
    if vcov is not None:
        check_stored_clusters(gram_data, vcov, options)
    if each and spec.where is not None:
        raise OptionError("where names one group and each asks for all of them: take one of the two")
    models = _models(gram_data, spec)
    if len(models) == 1 and not each:
        (model,) = models.values()
        solved = fit_stored(*model.of(*sums_of(gram_data, spec.where)), options)
        return LinearFit(solved if vcov is None else with_cluster_vcov(gram_data, model.design, solved, vcov))
    return Fits(_grouped_fits(gram_data, spec, models, options, vcov, each=each))


def conditions(gram_data: GramData) -> list[float]:
    """Estimated condition number of the model with all stored terms, for every outcome."""
    models = _models(gram_data, ModelSpec()).values()
    sums = gram_data.moments, gram_data.dropped_rows
    return [solve_stored(*model.of(*sums), Options(digits=0.0)).condition for model in models]


def one_model(gram_data: GramData, spec: ModelSpec, what: str) -> tuple[Design, Accumulated]:
    """The design and the float64 moments of a model with one outcome.

    what : names the analysis in errors. Exact sums are rounded once each. Raises OptionError for several outcomes,
    NumericalError if subtraction of rows has left no certified digit.
    """
    design, accumulated = _single_model(gram_data, spec, what).of(*sums_of(gram_data, spec.where))
    return design, _float64_sums(design, accumulated)


def fold_moments(gram_data: GramData, spec: ModelSpec) -> FoldMoments:
    """Inputs of a cross-validation: the moments of every fold, or of every group with rows.

    Raises OptionError if the Gram stores neither, or fewer than two with rows, and the errors of `one_model`.
    """
    what = "cross-validation"
    model, group_sums = _single_model(gram_data, spec, what), gram_data.group_sums
    if group_sums is None:
        raise OptionError(
            f"cross-validation needs the sums of every fold, which this Gram does not store; make it with {FOLDS}, or "
            f"with {GROUPS} to leave out one group after the other"
        )
    # a fold without rows stays in the report; a group without rows is no group to be left out
    parts = {
        k: p for k, p in group_sums.parts.items() if p.moments.rows or not isinstance(group_sums.grouping, ByColumns)
    }
    if len(parts) < 2:
        raise OptionError(
            f"cross-validation needs two groups or more, and {group_sums.grouping} has {len(parts)} with rows"
        )
    design, total = model.of(gram_data.moments, gram_data.dropped_rows)
    _float64_sums(design, total)  # checks digits of the total: a fold alone may have too few rows to be solved
    moments = [
        _float64_sums(design, model.of(*part)[1], check_digits=False).moments for part in _moments_by_part(parts)
    ]
    return FoldMoments(design, moments, total.dropped_rows, validation_names(group_sums, list(parts)))


def _moments_by_part(parts: Mapping[Key, Accumulated]) -> list[tuple[Moments, DroppedRows]]:
    """Moments and dropped rows of every fold or group."""
    return [(part.moments, part.dropped_rows) for part in parts.values()]


def _single_model(gram_data: GramData, spec: ModelSpec, what: str) -> Submodel:
    """The sub-model of a request with one outcome. Raises OptionError for several."""
    models = _models(gram_data, spec)
    if len(models) > 1:
        outcomes = list(dict.fromkeys(_outcome(model) for model in models.values()))
        if len(outcomes) == 1:
            raise OptionError(
                f"{what} takes one model, and '{spec.text}' stands for {len(models):,}: write one of them"
            )
        example = f"{outcomes[0]} ~ ..."
        raise OptionError(
            f"{what} takes one outcome, and there are {', '.join(outcomes)}: name one, as in formula='{example}'"
        )
    (model,) = models.values()
    return model


def _float64_sums(design: Design, accumulated: AnyAccumulated, *, check_digits: bool = True) -> Accumulated:
    """Sums in float64; with `check_digits` raise NumericalError if subtraction of rows has left no digit."""
    accumulated = in_float64(design, accumulated)
    if check_digits and accumulated.moments.has_subtracted and accumulated.moments.rows:
        solve_stored(design, accumulated, Options(digits=0.0))  # raises where no digits are left
    return accumulated


def sums_of(gram_data: GramData, where: Level | Key | None) -> tuple[Moments, DroppedRows]:
    """Moments and dropped rows of all rows, or of the group `where`."""
    if where is None:
        return gram_data.moments, gram_data.dropped_rows  # type: ignore[return-value]  # of either arithmetic
    part = _groups(gram_data, "where").at(where)
    return part.moments, part.dropped_rows


def _groups(gram_data: GramData, option: str) -> GroupSums:
    """The sums of every group. Raises OptionError, which names the option, if the Gram does not store them."""
    if gram_data.group_sums is None or not isinstance(gram_data.group_sums.grouping, ByColumns):
        raise OptionError(f"{option} needs the sums of every group, which this Gram does not store; make it {GROUPS}")
    return gram_data.group_sums


def _models(gram_data: GramData, spec: ModelSpec) -> dict[tuple[str, ...], Submodel]:
    """Key of each model that a formula stands for -> its sub-model, in the order of the formula."""
    if spec.formula is None:
        stored = gram_data.design.outcome
        if len(stored) == 1:
            return {(): submodel(gram_data, None, spec.drop)}
        return {(name.removeprefix("~"),): submodel(gram_data, None, spec.drop, name) for name in stored}
    formula = parse(spec.formula) if isinstance(spec.formula, str) else spec.formula
    if not formula.stands_for_several:
        return {(): submodel(gram_data, formula, spec.drop)}
    # a formula for each: its outcome may be a stored outcome or a stored predictor
    return {one.key: submodel(gram_data, one.formula, spec.drop) for one in specifications(formula)}


def _grouped_fits(
    gram_data: GramData,
    spec: ModelSpec,
    models: Mapping[tuple[str, ...], Submodel],
    options: Options,
    vcov: VcovSpec | None,
    *,
    each: bool,
) -> GroupedFits:
    """Fits of every outcome, and with `each` of every group; parameters as of `fits`. models : as of `_models`."""
    outcomes = tuple(dict.fromkeys(_outcome(model) for model in models.values()))
    names = _key_names(spec) if len(models) > 1 else ()
    parts: Mapping[Key, tuple[Moments, DroppedRows]] = {(): sums_of(gram_data, spec.where)}
    if each:
        if vcov is not None:
            raise OptionError("vcov by clusters goes with a fit to all rows, not with each group")
        group_sums = _groups(gram_data, "each=True")
        names = (*names, *group_sums.grouping.names)
        parts = {key: (part.moments, part.dropped_rows) for key, part in group_sums.parts.items()}
    by = group_sums.grouping if each and isinstance(group_sums.grouping, ByColumns) else None
    formula = gram_data.design.formula if spec.formula is None else spec.text
    nonempty = {key: sums for key, sums in parts.items() if sums[0].rows}
    if not nonempty:
        raise NumericalError(no_rows_message(formula, gram_data.dropped_rows))
    solved_by_key: dict[Key, Solved] = {}
    for own_key, model in models.items():
        for key, sums in nonempty.items():
            with error_context(() if by is None else by.names, key):
                fit = solve_stored(*model.of(*sums), options)
            if vcov is not None:
                fit = with_cluster_vcov(gram_data, model.design, fit, vcov)
            solved_by_key[(*own_key, *key)] = fit
    warn(solved_by_key, names, None)  # one warning for all of them
    empty = {key: dropped_rows for key, (moments, dropped_rows) in parts.items() if not moments.rows}
    rows = sum(moments.rows for moments, _ in nonempty.values())
    return GroupedFits(formula, names, solved_by_key, gram_data.dropped_rows, empty, outcomes, rows)


def _outcome(model: Submodel) -> str:
    """The name of a model's outcome."""
    return next(iter(model.design.outcome)).removeprefix("~")


def _key_names(spec: ModelSpec) -> tuple[str, ...]:
    """Names of the parts of the keys of several models."""
    if spec.formula is None:
        return (OUTCOME,)
    return key_names(parse(spec.formula) if isinstance(spec.formula, str) else spec.formula)
