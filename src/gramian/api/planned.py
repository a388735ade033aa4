"""What a fit will do: `gramian.plan`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from gramian.api.settings import Split, iterated_of, options_of, runner_of, split_of, vcov_of
from gramian.errors import OptionError
from gramian.fit.passes.plan import Plan
from gramian.formula.grammar import Formula, parse
from gramian.inference.vcov_spec import vcov_spec
from gramian.keywords import (
    DEFAULTS,
    GlmKeywords,
    IteratedKeywords,
    PanelKeywords,
    PlanKeywords,
    completed,
    names_of,
    takes,
)

if TYPE_CHECKING:
    from gramian.fit.glm.options import GlmOptions
    from gramian.fit.passes.job import PassRunner
    from gramian.fit.passes.options import Options

_ITERATED = ("link", *IteratedKeywords.__annotations__)
_WITH_FAMILY = ("family", "alpha", "link", *GlmKeywords.__annotations__)


@takes(PlanKeywords)
def plan(formula: str, data: Any, **options: Unpack[PlanKeywords]) -> Plan:
    """What the fit with these options will read, how often, by which solver, and why. Reads no rows itself.

    Parameters
    ----------
    formula : str
        Formula of the fit; with random effects, as in "y ~ x + (1 | firm)", of `gramian.mixed`.
    data : object
        Rows, as in `gramian.ols`.
    theta, variance, offset, tolerance, max_passes, separation, information
        With `family`, as in `gramian.glm`.
    by, split, fsplit, weights, na, counts, vcov, like, digits, exact, decimal, collinear, solver, where, panel_id
        As in `gramian.ols`.
    engine, progress
        As in `gramian.ols`.
    alpha : float, optional
        Ridge penalty, as in `gramian.ridge`; with `family` what is called `ridge` in `gramian.glm`.
    estimator : {"2sls", "liml", "fuller", "gmm", "random", "mundlak", "between"}, default "2sls"
        As in `gramian.iv`, where the formula has instruments; with `panel`, of which model: `gramian.random_effects`,
        which is the default then, `gramian.mundlak` or `gramian.between`.
    fuller : float, default 1.0
        As in `gramian.iv`.
    drop_first : bool, default False
        As in `gramian.ridge`.
    family : str, optional
        Family of a generalized linear model, as in `gramian.glm`. By default the model is linear.
    link : str, optional
        With `family`, as in `gramian.glm`.
    panel : str, optional
        As in `gramian.random_effects`. By default the model is none of a panel.

    Returns
    -------
    Plan
        Its text is for people.

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        Those of the fit that can be known before its first pass.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.plan("y ~ x", {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}).passes
    2
    """
    given = completed(plan, options)
    return replace(_planned(formula, data, given, options), where=given["where"])


def _planned(formula: str, data: Any, given: PlanKeywords, options: PlanKeywords) -> Plan:
    """The plan. given : the options with defaults."""
    settings, runner, split = options_of(given, given["alpha"]), runner_of(data, given), split_of(given)
    if given["panel"] is not None:
        return _planned_panel(formula, data, given["panel"], options)
    parsed = parse(formula)
    vcov = vcov_of(given, parsed, runner.source.schema)
    if given["family"] is not None:
        _check_family_options(options)
        from gramian.fit.glm.options import glm_options
        from gramian.fit.glm.plan import plan_glm

        model = glm_options(
            given["family"],
            given["link"],
            common=settings,
            vcov=vcov,
            like=given["like"],
            **iterated_of(given),
        )
        if split.by is None and not parsed.stands_for_several:
            return plan_glm(parsed, model, runner)
        return _planned_fits(parsed, model, runner, split)
    if misplaced := [name for name in options if name in _ITERATED]:
        raise OptionError(f"{misplaced[0]} goes with a family; without one the model is linear")
    if parsed.instruments is not None and settings.alpha is None:
        return _planned_iv(parsed, given, settings, runner, split)
    if parsed.random:
        from gramian.fit.mixed.plan import plan_mixed

        return plan_mixed(parsed, settings, runner)
    if split.by is not None or parsed.stands_for_several:
        from gramian.fit.groups.plan import plan_grouped
        from gramian.fit.passes.keys import by_columns

        by = None if split.by is None else by_columns(split.by)
        return plan_grouped(parsed, settings, runner, by, vcov_spec(vcov, given["like"]), full=split.full)
    from gramian.fit.wide.solver import plan_any_solver

    return plan_any_solver(parsed, settings, runner, vcov_spec(vcov, given["like"]))


def _planned_panel(formula: str, data: Any, panel: str, options: PlanKeywords) -> Plan:
    """The plan of a fit to a panel. Raises OptionError for options that it does not have."""
    from gramian.api.panel import plan_of

    own: dict[str, Any] = {name: value for name, value in options.items() if name != "panel"}
    estimator, vcov = own.pop("estimator", "random"), own.pop("vcov", DEFAULTS["vcov"])
    for name in own:
        if name not in (*names_of(PanelKeywords), "weights"):
            raise OptionError(f"{name} does not go with panel=, which plans random effects or group means")
    return plan_of(estimator, formula, data, panel, vcov, **own)


def _planned_iv(formula: Formula, given: PlanKeywords, options: Options, runner: PassRunner, split: Split) -> Plan:
    """The plan of a fit with instruments, or of several."""
    from gramian.fit.iv.options import iv_options

    own = iv_options(given["estimator"], given["fuller"])
    vcov = vcov_spec(vcov_of(given, formula, runner.source.schema), given["like"])
    if split.by is None and not formula.stands_for_several:
        from gramian.fit.iv.plan import plan_iv

        return plan_iv(formula, options, runner, vcov, own)
    from gramian.api.instrumental_groups import with_instruments
    from gramian.fit.groups.plan import plan_grouped
    from gramian.fit.passes.keys import by_columns

    by = None if split.by is None else by_columns(split.by)
    estimation = with_instruments(formula, options, own, runner.source.schema, by)
    return plan_grouped(formula, options, runner, by, vcov, estimation, full=split.full)


def _planned_fits(formula: Formula, model: GlmOptions, runner: PassRunner, split: Split) -> Plan:
    """The plan of generalized linear fits of every model and group: that of the first, and how many follow."""
    from gramian.fit.glm.plan import plan_glm
    from gramian.fit.groups.specifications import key_names, specifications
    from gramian.fit.passes.keys import by_columns

    models, by = specifications(formula), None if split.by is None else by_columns(split.by)
    key_names(formula, by)
    each = [f"each of {len(models):,} models"] if len(models) > 1 else []
    columns: tuple[str, ...] = ()
    if by is not None:
        by.check(runner.source.schema)
        columns = by.columns
        each.append(f"each value of {', '.join(columns)}, which a pass finds")
    first = plan_glm(models[0].formula, model, runner, columns)
    expected = f"for {' and '.join(each)}: {first.expected}"
    return replace(
        first, formula=formula.text, expected=expected, columns=tuple(dict.fromkeys([*first.columns, *columns]))
    )


def _check_family_options(options: PlanKeywords) -> None:
    """Raise OptionError for options that only a linear model has."""
    for name, value in options.items():
        if name not in _WITH_FAMILY and value != DEFAULTS.get(name):
            raise OptionError(f"{name} does not go with a family")
