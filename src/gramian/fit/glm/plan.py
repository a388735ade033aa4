"""The plan of a generalized linear fit: the steps that are run, in words and with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gramian.fit.glm.fit import GlmSteps, glm_steps
from gramian.fit.glm.options import GlmOptions
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.fit.passes.subsample import MAX_ROWS, MAX_UNITS
from gramian.formula.design import Design
from gramian.formula.grammar import Formula


def plan_glm(formula: Formula, options: GlmOptions, runner: PassRunner, excluded: Sequence[str] = ()) -> Plan:
    """The plan of a generalized linear fit; reads no rows. Raises what the fit would raise before its first pass.

    excluded : columns that `.` does not stand for.
    """
    steps = glm_steps(formula, options, runner.source, excluded)
    passes, reasons = _passes(steps)
    design = replace(steps.design, matrix=None)
    sampled = "" if design.terms.absorbed else ", after a sample of the rows for a start"
    expected = f"about {passes}, {options.max_passes} at most{sampled}"
    plan = plan_pass(Job(design, options.common, runner), _solver(options), _notes(options, design, reasons))
    return replace(plan, passes=passes, expected=expected)


def _passes(steps: GlmSteps) -> tuple[int, list[str]]:
    """The expected number of passes, and the reasons for it."""
    passes, reasons = _steps(steps)
    if steps.observed_information:
        passes += not steps.design.terms.absorbed
        reasons.append("the link is not the family's canonical one: one more pass for the expected information")
    if steps.scoring:
        passes += 2
        reasons.append(
            "the link is not the family's canonical one: steps by the expected information take two more passes"
        )
    if steps.estimate_theta:
        passes += 1
        reasons.append("theta is estimated along with the coefficients, a step in each pass")
    for sums in steps.covariance_passes:
        assert steps.vcov is not None
        passes += 1
        reasons.append(f"{steps.vcov.name}: one more pass for the {sums}")
    return passes, reasons


def _steps(steps: GlmSteps) -> tuple[int, list[str]]:
    """The expected number of passes of Newton's steps, and the reasons for it."""
    absorbed = steps.design.terms.absorbed_texts
    if not absorbed:
        return 2, ["each pass is a step of Newton's method; from the sample's start two steps are mostly enough"]
    levels = f"the levels of {' and '.join(absorbed)}"
    return 8, [
        f"each pass is a step of Newton's method in which {levels} are eliminated; from the family's starting means "
        "six are mostly enough, and one more confirms the answer",
        f"a pass looks for {levels} whose outcomes all lie at an end of the family's range; their rows are left out, "
        "and after any it is repeated",
    ]


def _notes(options: GlmOptions, design: Design, reasons: list[str]) -> tuple[str, ...]:
    """Notes of the plan, one sentence each."""
    missing_policy = "left out and counted" if options.common.drop else "an error"
    start = (
        f"the start is fitted to {MAX_ROWS:,} rows at most, spread over {MAX_UNITS} places; it is no part of the answer"
    )
    return (
        *reasons,
        *(() if design.terms.absorbed else (start,)),
        f"it stops when the error predicted for the next point is below {options.tolerance:g} standard errors",
        f"rows with a missing or infinite value are {missing_policy}",
    )


def _solver(options: GlmOptions) -> str:
    """The method in one line."""
    model, alpha = options.model, options.common.alpha
    penalty = "" if alpha is None else f", ridge penalty alpha = {alpha:g} on the slopes"
    return f"Newton's method for {model.family.name}, link {model.link.name}: Cholesky of X'WX in every pass{penalty}"
