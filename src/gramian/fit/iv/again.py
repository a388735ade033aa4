"""A fit with another covariance: its rows are read again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.data.source import source_of
from gramian.engines.choice import Engine, engine_of
from gramian.errors import OptionError
from gramian.fit.iv.designs import iv_designs
from gramian.fit.iv.fit import fit_iv
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.solution import GMM, IvSolved
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.options import Options
from gramian.fit.vcov.fit import check_same, named
from gramian.formula.grammar import parse
from gramian.inference.vcov_spec import vcov_spec


def with_vcov(solved: IvSolved, vcov: Any, data: object, like: str | None, engine: Engine | str | None) -> IvSolved:
    """The fit with the covariance that the options ask for; "iid" reads no rows.

    Raises
    ------
    OptionError
        Without data, for options that do not exist, and for GMM, whose weights belong to its covariance.
    DataError
        Where the rows are not those of the fit.
    """
    before = solved.structural
    vcov, data = named(vcov, before.design, data)
    spec = vcov_spec(vcov, like)
    if solved.estimator == GMM:
        raise OptionError("the weights of GMM are those of its covariance: fit again with gm.iv(..., vcov=...)")
    if spec is None:
        first = tuple(replace(f, robust=None) for f in solved.first)
        return replace(solved, structural=replace(before, robust=None), first=first, robust=None, hansen=None)
    if data is None:
        raise OptionError(
            f"{spec.name} needs the rows of the fit: pass the data, as in fit.with_vcov({spec.argument}, data)"
        )
    digits = 0.0 if before.accuracy is None else before.accuracy.requested
    options = Options(before.design.weight, before.design.count, digits=digits)
    runner = PassRunner(source_of(data), engine_of(engine, data))
    designs = iv_designs(parse(before.formula), runner.source.schema, options)
    own = IvOptions(solved.estimator, solved.fuller)
    after = fit_iv(Job(designs.joint, options, runner), designs, own, spec)
    check_same(before, before.rss, after.structural.rows, after.structural.rss)
    structural = replace(after.structural, passes=before.passes + runner.passes)
    return replace(after, structural=structural)
