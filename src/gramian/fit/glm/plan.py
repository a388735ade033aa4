"""The plan of a generalized linear fit: the steps that are run, in words and with reasons."""

from __future__ import annotations

from dataclasses import replace

from gramian.fit.glm.fit import GlmSteps, glm_steps
from gramian.fit.glm.options import GlmOptions
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.fit.passes.subsample import MAX_ROWS, MAX_UNITS
from gramian.formula.grammar import Formula


def plan_glm(formula: Formula, options: GlmOptions, runner: PassRunner) -> Plan:
    """The plan of a generalized linear fit; reads no rows. Raises what the fit would raise before its first pass."""
    steps = glm_steps(formula, options, runner.source)
    passes, reasons = _passes(steps)
    design = replace(steps.design, matrix=None)
    expected = f"about {passes}, {options.max_passes} at most, after a sample of the rows for a start"
    plan = plan_pass(Job(design, options.common, runner), _solver(options), _notes(options, reasons))
    return replace(plan, passes=passes, expected=expected)


def _passes(steps: GlmSteps) -> tuple[int, list[str]]:
    """The expected number of passes, and the reasons for it."""
    passes, reasons = 2, ["each pass is a step of Newton's method; from the sample's start two steps are mostly enough"]
    if steps.observed_information:
        passes += 1
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


def _notes(options: GlmOptions, reasons: list[str]) -> tuple[str, ...]:
    """Notes of the plan, one sentence each."""
    missing_policy = "left out and counted" if options.common.drop else "an error"
    return (
        *reasons,
        f"the start is fitted to {MAX_ROWS:,} rows at most, spread over {MAX_UNITS} places; "
        "it is no part of the answer",
        f"it stops when the error predicted for the next point is below {options.tolerance:g} standard errors",
        f"rows with a missing or infinite value are {missing_policy}",
    )


def _solver(options: GlmOptions) -> str:
    """The method in one line."""
    model, alpha = options.model, options.common.alpha
    penalty = "" if alpha is None else f", ridge penalty alpha = {alpha:g} on the slopes"
    return f"Newton's method for {model.family.name}, link {model.link.name}: Cholesky of X'WX in every pass{penalty}"
