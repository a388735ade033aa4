"""The sums of one pass: `gramian.gram`, and a fit together with its sums."""

from __future__ import annotations

from typing import Any, Unpack

from gramian.api.settings import RunPolicy, options_of, runner_of, vcov_of
from gramian.errors import OptionError
from gramian.fit.gram.fit import fit_gram, gram_data_of
from gramian.fit.gram.result import Gram
from gramian.fit.linear.fit import fit_linear
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.job import job_of
from gramian.fit.wide.solver import choose
from gramian.formula.grammar import parse
from gramian.inference.vcov_spec import vcov_spec
from gramian.keywords import FitAndGramKeywords, GramKeywords, completed, takes
from gramian.results.fitted_rows import FittedRows


@takes(GramKeywords)
def gram(formula: str, data: Any, **options: Unpack[GramKeywords]) -> Gram:
    """The sums of one pass, from which every linear model of the formula's columns comes without the data.

    Parameters
    ----------
    formula : str
        Such as "y ~ a + b + poly(x, 3)". A row enters when all columns of the formula are present.
    data : object
        Rows, as in `gramian.ols`.
    by : str or sequence of str, optional
        Columns whose every value has sums of its own.
    weights, na, counts, decimal
        As in `gramian.ols`.
    exact : bool, default False
        Whether sums are made without rounding, so that rows can be taken away again without a trace; `digest` is then
        the same however the sums came about.
    checkpoint, where, panel_id, engine, progress
        As in `gramian.ols`.
    folds : int, optional
        Number of folds whose sums are kept apart, for `cross_validate`. A row's fold is its number in its file, modulo
        the number of folds.
    cluster : str or sequence of str, optional
        Columns of clusters whose products are kept, for vcov={"cluster": ...}. Memory grows as clusters × columns².

    Returns
    -------
    Gram

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        As in `gramian.ols`.

    Examples
    --------
    >>> import gramian as gm
    >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
    >>> gram.ols("y ~ b").names
    ('Intercept', 'b')
    """
    given = completed(gram, options)
    settings, runner, checkpoint = options_of(given), runner_of(data, given), given["checkpoint"]
    if any(given[name] is not None for name in ("folds", "by", "cluster")):
        from gramian.fit.gram.fit_groups import extra_sums_of, fit_gram_with  # most Grams have none

        extra = extra_sums_of(
            given["folds"], given["by"], given["cluster"], exact=settings.exact, checkpoint=checkpoint is not None
        )
        return Gram(fit_gram_with(parse(formula), settings, runner, extra))
    parsed = parse(formula)
    policy = RunPolicy(checkpoint)
    gram_data, _ = policy.run(lambda passes: fit_gram(parsed, settings, passes), runner, "gram", formula, settings)
    return Gram(gram_data)


@takes(FitAndGramKeywords)
def fit_and_gram(formula: str, data: Any, **options: Unpack[FitAndGramKeywords]) -> tuple[LinearFit, Gram]:
    """A linear fit, and the sums of its first pass: what `gramian fit --gram` saves.

    Parameters
    ----------
    formula : str
        Such as "y ~ a + b".
    data : object
        Rows, as in `gramian.ols`.
    **options
        As in `gramian.ols`, and `alpha` and `drop_first` as in `gramian.ridge`.

    Returns
    -------
    LinearFit
        The fit.
    Gram
        The sums.

    Raises
    ------
    FormulaError, OptionError, DataError, NumericalError
        As in `gramian.ols`.
    """
    given = completed(fit_and_gram, options)
    settings, runner = options_of(given, given["alpha"]), runner_of(data, given)
    parsed = parse(formula)
    spec = vcov_spec(vcov_of(given, parsed, runner.source.schema), given["like"])
    if choose(parsed, runner.source, settings, iid=spec is None).solver != "gram":
        raise OptionError('the sums of a Gram go with solver="gram"; this fit has another')
    job, rows = job_of(parsed, settings, runner, absorbing=not settings.exact), FittedRows(runner.source)
    run = fit_linear(job, spec)
    return LinearFit(run.solved, rows), Gram(gram_data_of(job.design, job.source, run.sums))
