"""Plan of a linear fit: the steps that are run, in words and with reasons."""

from __future__ import annotations

from dataclasses import replace

from gramian.fit.leastsquares.escalate import MAX_SMALL_VALUES, Escalation
from gramian.fit.linear.fit import LinearSteps, linear_steps
from gramian.fit.passes.job import Job
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.inference.vcov_spec import VcovSpec

KNOTS_PASS = "a light one over what splines are of, for their knots"
FIRST_ROWS = "after a look at the first rows for shift and scale"
CENTRED_PASS = (
    f"1, {FIRST_ROWS}; 1 more, of rows less the effects of levels, where fewer than {{:g}} digits are certified"
)
CLUSTER_SUMS = ("a number for each {} and column", "a number for each {} and pair of columns")
VCOV_PASS = "then 1 for the covariance"


def plan_linear(job: Job, vcov: VcovSpec | None) -> Plan:
    """The plan of a linear fit; reads no rows. Raises the errors that the fit would raise before its first pass."""
    steps = linear_steps(job, vcov)
    plan = plan_pass(job, describe_solver(job.options), plan_notes(job, steps.escalation))
    absorbed = bool(job.design.terms.absorbed)
    passes, expected = expected_passes(job, steps.escalation)
    if absorbed and steps.escalation.centres:
        passes, expected = 1, CENTRED_PASS.format(job.options.digits)
    if steps.knots:
        passes, expected = passes + 1, f"{KNOTS_PASS}; {expected}"
    return _with_vcov(replace(plan, passes=passes, expected=expected), job, steps)


def _with_vcov(plan: Plan, job: Job, steps: LinearSteps) -> Plan:
    """The plan with the columns, passes and memory of the covariance added."""
    vcov, absorbed = steps.vcov, job.design.terms.absorbed
    if vcov is None:
        return plan
    columns = tuple(dict.fromkeys((*plan.columns, *vcov.clusters)))
    pairwise = vcov.estimator.pairwise or steps.cluster_vcov is not None
    memory = f"; in memory {CLUSTER_SUMS[pairwise].format(vcov.estimator.group)}" if vcov.clusters else ""
    if steps.cluster_vcov is not None:
        why = f"{vcov.name}: the data can be read once only, so the pass sums products by cluster{memory}"
        return replace(plan, columns=columns, notes=(*plan.notes, why))
    why = f"{vcov.name}: one more pass for {vcov.estimator.sums} of the scores{memory}"
    if absorbed:
        of = " and ".join(job.design.terms.absorbed_texts)
        why += f", and the effects of the levels of {of} on every column, which it subtracts"
    expected = f"{plan.expected}; {VCOV_PASS}"
    return replace(plan, columns=columns, passes=plan.passes + 1, expected=expected, notes=(*plan.notes[1:], why))


def expected_passes(job: Job, escalation: Escalation) -> tuple[int, str]:
    """Expected number of passes, and in words what it depends on."""
    digits = f"{job.options.digits:g}"
    if job.options.exact:
        return 1, f"1, sums without rounding, {FIRST_ROWS}"
    if not escalation.refines:
        return 1, f"1, {FIRST_ROWS}; fewer than {digits} digits cannot be made more: the data are read once"
    if escalation.few_values:
        cost = f"which costs little up to {MAX_SMALL_VALUES:,} values"
        return 2, f"2, {FIRST_ROWS}: the sums, then a careful residual, {cost}"
    again = f"1 more up to {MAX_SMALL_VALUES:,} values, or " if escalation.few_values is None else ""
    return 1, f"1, {FIRST_ROWS}; {again}more only where fewer than {digits} digits are certified"


def describe_solver(options: Options) -> str:
    """The solver of the normal equations, in words."""
    if options.exact:
        return "exact sums of products on integers; coefficients correctly rounded, ranks decided exactly"
    if options.alpha is not None:
        return f"Cholesky of the centred products + alpha, ridge penalty alpha = {options.alpha:g} on the slopes"
    dependent = {
        "drop": "dependent columns are left out and explained",
        "min-norm": "minimum-norm solution (pseudo-inverse) if columns are dependent",
        "raise": "dependent columns are an error",
    }
    return f"Cholesky of the centred products with unit diagonal; {dependent[options.collinear]}"


def plan_notes(job: Job, escalation: Escalation) -> tuple[str, ...]:
    """Reasons of a plan: the number of passes, digits, factors, weights and incomplete rows."""
    design, source, options = job.design, job.source, job.options
    notes = ["ordinary least squares needs the sums of products only, and these add: one pass is enough"]
    if not options.exact:
        notes.append(f"digits: {options.digits:g} certified are wanted; {escalation.words()}")
    if design.terms.factors:
        notes.append(
            "levels of factors are discovered while reading; all are stored, a reference level is chosen after"
        )
    if design.terms.absorbed:
        notes.append(
            f"{' and '.join(design.terms.absorbed_texts)}: sums over the levels are stored and partialled out of all "
            "columns in memory of levels x columns"
        )
    if design.matrix is not None:
        notes.append(f"the array '{design.matrix[0]}' is used in place, without a copy, unless it needs a shift")
    if not source.rereadable:
        notes.append("the data can be read once only, which this fit does")
    if options.weights or options.counts:
        notes.append("weights multiply a block's rows in its buffer; the data are not copied")
    if (of_database := getattr(job.runner.engine, "notes", None)) is not None and not options.exact:
        notes += of_database(design, source)
    incomplete = "left out and counted" if options.drop else "an error"
    notes.append(f"rows with a missing or infinite value are {incomplete}")
    return tuple(notes)
