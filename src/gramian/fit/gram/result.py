"""Gram: the sums of one pass, kept; every linear model of its columns comes from it, without the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypeAlias

import pyarrow as pa

from gramian.errors import OptionError, one_of
from gramian.fit.gram import models as gram_models
from gramian.fit.gram.arithmetic import add_grams, subtract_grams
from gramian.fit.gram.fit import solve_stored
from gramian.fit.gram.models import ModelSpec
from gramian.fit.gram.provenance import ReadInput
from gramian.fit.gram.save import gram_to_json
from gramian.fit.gram.sums import GramData
from gramian.fit.groups.fit import GroupedFits
from gramian.fit.groups.result import Fits
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.result import LinearFit
from gramian.fit.linear.result_collinearity import Correlation, correlation, vif
from gramian.fit.passes.accumulate_keyed import unwrap_key
from gramian.fit.passes.keys import ByColumns, Folds
from gramian.fit.passes.options import COLLINEAR, Options, penalty, with_accuracy
from gramian.fit.penalized.result_cv import CrossValidation, cross_validation_of
from gramian.fit.penalized.result_path import Path, path_of
from gramian.fit.selection.result import Selection, selection
from gramian.formula.dropped_rows import DroppedRows
from gramian.inference.recipes import Vcov, vcov_spec
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.keyed.moments import Key
from gramian.results.dropped_rows import HasDroppedRows
from gramian.serialize import file as store
from gramian.typing import Level

Fitted: TypeAlias = Any  # LinearFit, or Fits with several outcomes or groups
KIND = "gram"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gram(HasDroppedRows):
    """What one pass leaves: products of the columns of a formula, by name; from `gram`, or a sum of such.

    `+` and `-` add and take away rows: columns are aligned by name, levels united, inputs that are already there (or
    not there) refused; `gramian.add` and `gramian.subtract` can be forced.
    """

    gram_data: GramData

    @property
    def _dropped(self) -> DroppedRows:
        return self.gram_data.dropped_rows

    @property
    def formula(self) -> str:
        """The formula whose terms are stored."""
        return self.gram_data.design.formula

    @property
    def rows(self) -> int:
        """Rows that entered (the sum of counts)."""
        return self.gram_data.moments.rows

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that a formula may name."""
        return self.gram_data.schema.names

    @property
    def inputs(self) -> tuple[ReadInput, ...]:
        """What has been read: files by path, data in memory by the digest of their sums."""
        return self.gram_data.provenance.inputs

    @property
    def folds(self) -> int | None:
        """How many folds are kept, None without any."""
        group_sums = self.gram_data.group_sums
        return group_sums.grouping.count if group_sums is not None and isinstance(group_sums.grouping, Folds) else None

    @property
    def groups(self) -> tuple[Level | Key, ...]:
        """The groups that are kept, none without any; `ols(where=...)` takes one of them."""
        group_sums = self.gram_data.group_sums
        return (
            tuple(map(unwrap_key, group_sums.parts))
            if group_sums is not None and isinstance(group_sums.grouping, ByColumns)
            else ()
        )

    @property
    def by(self) -> tuple[str, ...]:
        """The columns that make the groups."""
        group_sums = self.gram_data.group_sums
        return (
            group_sums.grouping.names if group_sums is not None and isinstance(group_sums.grouping, ByColumns) else ()
        )

    @property
    def cluster(self) -> tuple[str, ...]:
        """The columns by whose clusters standard errors can be had."""
        return () if self.gram_data.clusters is None else self.gram_data.clusters.by

    @property
    def digest(self) -> str | None:
        """SHA-256 of exact sums, the same however they came about; None of float64 sums."""
        moments = self.gram_data.moments
        return moments.digest if isinstance(moments, ExactMoments) else None

    @property
    def condition(self) -> float:
        """Estimated condition number of the scaled columns of the whole model."""
        return max(gram_models.conditions(self.gram_data))

    def ols(
        self,
        formula: str | None = None,
        *,
        drop: str | Iterable[str] | None = None,
        where: Level | Key | None = None,
        each: bool = False,
        vcov: Vcov = "iid",
        like: str | None = None,
        digits: float = 8,
        collinear: str = "drop",
    ) -> Fitted:
        """Ordinary (or weighted) least squares of any formula whose terms are stored; reads no rows.

        formula : such as "y ~ a + b"; the whole one when it is None. Any stored numeric column may be the outcome, a
        factor may have another reference level, a polynomial a lower degree. drop : terms to leave out of it.
        where : fit the rows of this group only, each : all groups, from a Gram made with `by`. vcov, like : as in
        `gramian.ols`, by the clusters of a Gram made with `cluster`.
        digits : certified digits wanted of every coefficient; an AccuracyWarning says so where there are fewer.
        Returns a LinearFit; with `each`, or several outcomes as in "c(y1, y2) ~ x", `Fits`.
        Raises SchemaError where something is not stored, NumericalError where taking rows away has left no digits,
        OptionError for groups or clusters that are not kept.

        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
        >>> round(gram.ols("y ~ a")["a"], 12)
        1.9
        """
        options = with_accuracy(Options(collinear=one_of("collinear", collinear, COLLINEAR)), digits)
        spec = ModelSpec(formula, drop, where)
        return _fitted(gram_models.fits(self.gram_data, spec, options, vcov_spec(vcov, like), each=each))

    def ridge(
        self,
        alpha: float,
        formula: str | None = None,
        *,
        drop: str | Iterable[str] | None = None,
        where: Level | Key | None = None,
        each: bool = False,
        digits: float = 8,
        drop_first: bool = False,
    ) -> Fitted:
        """Ridge regression, as `gramian.ridge`; reads no rows. Other options as `ols`."""
        options = with_accuracy(Options(alpha=penalty(alpha), drop_first=drop_first), digits)
        return _fitted(gram_models.fits(self.gram_data, ModelSpec(formula, drop, where), options, each=each))

    def path(
        self,
        l1_ratio: float = 1.0,
        formula: str | None = None,
        *,
        drop: str | Iterable[str] | None = None,
        where: Level | Key | None = None,
        alphas: Iterable[float] | None = None,
        penalties: Mapping[str, float] | None = None,
        standardize: bool = False,
        drop_first: bool = False,
    ) -> Path:
        """Ridge (l1_ratio 0), lasso (1) or elastic-net fits for a row of penalties; reads no rows.

        alphas : as scikit-learn counts them; by default all knots of the lasso, or a grid of 100. penalties : term ->
        factor of its penalty, 0 for none. standardize : penalise the coefficients of standardised columns. drop_first :
        leave out reference levels. formula, drop, where : as in `ols`.

        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
        >>> [round(float(alpha), 12) for alpha in gram.path().alphas]
        [2.375, 0.125, 0.0]
        """
        design, accumulated = gram_models.one_model(self.gram_data, ModelSpec(formula, drop, where), "a path")
        return path_of(
            design,
            accumulated,
            l1_ratio=l1_ratio,
            alphas=alphas,
            penalties=penalties,
            standardize=standardize,
            drop_first=drop_first,
        )

    def cross_validate(
        self,
        l1_ratio: float = 0.0,
        alphas: Iterable[float] | None = None,
        formula: str | None = None,
        *,
        drop: str | Iterable[str] | None = None,
        penalties: Mapping[str, float] | None = None,
        standardize: bool = False,
        drop_first: bool = False,
    ) -> CrossValidation:
        """Errors of a path on folds that were left out in turn, from a Gram made with `folds`; reads no rows.

        From a Gram made with `by`, one group after the other is left out. Options as in `path`.

        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a", {"a": [1, 2, 3, 4, 5, 6], "y": [2, 4, 5, 8, 9, 13]}, folds=3)
        >>> gram.cross_validate(alphas=[0.1, 1, 10]).best_alpha
        0.1
        """
        fold_moments = gram_models.fold_moments(self.gram_data, ModelSpec(formula, drop))
        return cross_validation_of(
            fold_moments.design,
            fold_moments.folds,
            l1_ratio=l1_ratio,
            alphas=alphas,
            penalties=penalties,
            standardize=standardize,
            drop_first=drop_first,
            dropped_rows=fold_moments.dropped_rows,
            names=fold_moments.names,
        )

    def select(
        self,
        criterion: str = "aic",
        method: str = "best",
        formula: str | None = None,
        *,
        drop: str | Iterable[str] | None = None,
        where: Level | Key | None = None,
        count: int = 1,
    ) -> Selection:
        """The terms that a criterion likes best; reads no rows.

        criterion : "aic", "bic", "adj_r2" or "cp". method : "best" searches all subsets of up to 30 terms, "forward"
        and "backward" go a term at a time. count : so many models of every size with "best". formula, drop, where : as
        in `ols`.

        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
        >>> gram.select("bic").terms
        ('a', 'b')
        """
        design, accumulated = gram_models.one_model(self.gram_data, ModelSpec(formula, drop, where), "a selection")
        return selection(design, accumulated, criterion, method, count)

    def correlation(self, formula: str | None = None, *, where: Level | Key | None = None) -> Correlation:
        """Correlations of the columns of a formula and its outcome; every level of a factor is a column."""
        design, accumulated = gram_models.one_model(self.gram_data, ModelSpec(formula, None, where), "a correlation")
        return correlation(design, accumulated.moments)

    def vif(self, formula: str | None = None, *, where: Level | Key | None = None) -> pa.Table:
        """Variance inflation of the terms of a formula: term, df, vif, scaled (vif^(1 / (2 df)))."""
        design, accumulated = gram_models.one_model(
            self.gram_data, ModelSpec(formula, None, where), "variance inflation"
        )
        return vif(solve_stored(design, accumulated, Options(digits=0.0)))

    def __add__(self, other: object) -> Gram:
        return add(self, other) if isinstance(other, Gram) else NotImplemented

    def __radd__(self, other: object) -> Gram:
        """The sum of nothing and this: `sum` begins with 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: object) -> Gram:
        return subtract(self, other) if isinstance(other, Gram) else NotImplemented

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *gram_to_json(self.gram_data))

    def __repr__(self) -> str:
        return f"Gram({self.formula!r}, rows={self.rows})"


def add(a: Gram, b: Gram, *, force: bool = False) -> Gram:
    """All rows of both: `a + b`, or with `force` also where an input is in both."""
    _check_grams(a, b)
    return Gram(add_grams(a.gram_data, b.gram_data, force=force))


def subtract(a: Gram, b: Gram, *, force: bool = False) -> Gram:
    """The rows of `a` without those of `b`: `a - b`, or with `force` also where an input of `b` is not in `a`."""
    _check_grams(a, b)
    return Gram(subtract_grams(a.gram_data, b.gram_data, force=force))


def _check_grams(a: object, b: object) -> None:
    for value in (a, b):
        if not isinstance(value, Gram):
            raise OptionError(f"two Grams are wanted, found {type(value).__name__}; gm.load(path) reads one")


def _fitted(solved: Solved | GroupedFits) -> Fitted:
    return Fits(solved) if isinstance(solved, GroupedFits) else LinearFit(solved)
