"""Gram: the saved sums of one pass, from which every linear model of its columns is fitted without data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Unpack, overload

import pyarrow as pa

from gramian.fit.gram import models as gram_models
from gramian.fit.gram.fit import solve_stored
from gramian.fit.gram.models import ModelSpec
from gramian.fit.gram.panel_models import PanelModels
from gramian.fit.gram.stored import StoredSums
from gramian.fit.gram.sums import GramData
from gramian.fit.groups.result import Fits
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.options import Options, checked_options
from gramian.inference.vcov_spec import vcov_spec
from gramian.keywords import (
    DEFAULTS,
    GramIvKeywords,
    GramOlsKeywords,
    GramPathKeywords,
    GramRidgeKeywords,
    GramValidationKeywords,
    PathKeywords,
    PenaltyScaleKeywords,
    StoredKeywords,
    completed,
    part_of,
    takes,
)
from gramian.linalg.keyed.moments import Key
from gramian.typing import Level

if TYPE_CHECKING:
    from gramian.fit.iv.result import IvFit
    from gramian.fit.linear.result_collinearity import Correlation
    from gramian.fit.penalized.result_cv import CrossValidation
    from gramian.fit.penalized.result_path import Path
    from gramian.fit.selection.result import Selection


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gram(StoredSums, PanelModels):
    """Sums of products of the columns of a formula: the result of `gm.gram`, and of `+` and `-` of Grams.

    Linear models of any of its terms are fitted without data. `+` and `-` add and subtract rows: columns are aligned by
    name and levels united. An input that would be counted twice, or is not there to be subtracted, raises DataError;
    `gm.add` and `gm.subtract` with `force=True` do it all the same.

    Attributes
    ----------
    gram_data : GramData
        The stored terms and sums, dropped rows, and inputs.

    Notes
    -----
    For stored columns Z, shifted and scaled by numbers near their means and magnitudes, the sums are Z'WZ, with sums
    over the levels of factors instead of indicator columns. Size and cost do not depend on the number of rows.

    Examples
    --------
    >>> import gramian as gm
    >>> first = gm.gram("y ~ a", {"a": [1, 2, 3, 4], "y": [2, 4, 5, 8]})
    >>> second = gm.gram("y ~ a", {"a": [5, 6], "y": [9, 13]})
    >>> both = first + second
    >>> both.rows, round(both.ols()["a"], 4)
    (6, 2.0857)
    """

    gram_data: GramData

    @property
    def condition(self) -> float:
        """Estimated condition number of the scaled columns of the model with all terms, the largest of all outcomes."""
        return max(gram_models.conditions(self.gram_data))

    @overload
    def ols(
        self, formula: str | None = None, *, each: Literal[False] = False, **options: Unpack[GramOlsKeywords]
    ) -> LinearFit: ...
    @overload
    def ols(self, formula: str | None = None, *, each: Literal[True], **options: Unpack[GramOlsKeywords]) -> Fits: ...
    @takes(GramOlsKeywords)
    def ols(
        self, formula: str | None = None, *, each: bool = False, **options: Unpack[GramOlsKeywords]
    ) -> LinearFit | IvFit | Fits:
        """Fit ordinary or weighted least squares for any formula whose terms are stored, without data.

        Warns with AccuracyWarning if fewer digits are certified than requested.

        Parameters
        ----------
        formula : str, optional
            Such as "y ~ a + b"; by default the formula of the Gram. Any stored numeric column may be the outcome, a
            factor may have another reference level, a polynomial a lower degree.
        drop : str or iterable of str, optional
            Terms to leave out of the formula.
        where : level or tuple of levels, optional
            The group whose rows are fitted, for a Gram with `by`.
        each : bool
            Whether to fit every group, for a Gram with `by`.
        vcov : str, dict or VcovSpec
            Covariance of the coefficients, "iid" or by the clusters of a Gram with `cluster`; as in `gm.ols`.
        like : str, optional
            Software whose small-sample conventions are used, as in `gm.ols`.
        digits : float
            Decimal digits that every coefficient should have, 0 to 15.
        collinear : {"drop", "min-norm", "raise"}
            How to treat dependent columns.

        Returns
        -------
        LinearFit or Fits
            Fits with `each`, and for several outcomes or right sides, as in "c(y1, y2) ~ csw(a, b)"; all have the rows
            of the Gram.

        Raises
        ------
        SchemaError, ColumnError
            If a term, outcome or column is not stored.
        NumericalError
            Without rows, and if subtraction of rows has left no certified digit.
        OptionError
            For groups or clusters that are not stored.

        Examples
        --------
        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
        >>> round(gram.ols("y ~ a")["a"], 12)
        1.9
        """
        # weights and counts are part of the sums: only the options of the solution remain
        given = completed(Gram.ols, options)
        # instruments bring a second tilde
        if formula is not None and formula.count("~") > 1 and not each and given["drop"] is None:
            return self.iv(formula, **part_of(given, StoredKeywords), where=given["where"])
        settings = checked_options({**DEFAULTS, **given})
        spec = ModelSpec(formula, given["drop"], given["where"])
        from gramian.fit.gram.vcov import named_of_gram

        vcov = vcov_spec(named_of_gram(self.gram_data, given["vcov"]), given["like"])
        return gram_models.fits(self.gram_data, spec, settings, vcov, each=each)

    @takes(GramIvKeywords)
    def iv(self, formula: str, **options: Unpack[GramIvKeywords]) -> IvFit:
        """Fit a model with instruments, as `gm.iv`, without data.

        Warns with AccuracyWarning if fewer digits are certified than requested.

        Parameters
        ----------
        formula : str
            Such as "y ~ w + [x ~ z1 + z2]"; all its columns have to be stored, as in gm.gram("y ~ w + x + z1 + z2").
        estimator, fuller
            As in `gm.iv`.
        where, vcov, like, digits, collinear
            As in `ols`; the covariance is that of all tests, too.

        Raises
        ------
        SchemaError, ColumnError
            If a term, outcome or column is not stored.
        NotIdentifiedError
            Where the instruments do not determine the coefficients.
        OptionError
            For groups or clusters that are not stored.

        Examples
        --------
        >>> import gramian as gm
        >>> rows = {"y": [1.0, 3.0, 4.0, 8.0], "x": [0.0, 1.0, 2.0, 4.0], "z": [0.0, 1.0, 1.0, 2.0]}
        >>> round(gm.gram("y ~ x + z", rows).iv("y ~ [x ~ z]")["x"], 12)
        1.75
        """
        from gramian.fit.gram.instruments import fit_iv_stored  # most models of a Gram have no instruments
        from gramian.fit.gram.vcov import named_of_gram
        from gramian.fit.iv.options import iv_options
        from gramian.fit.iv.result import IvFit

        given = completed(Gram.iv, options)
        settings, own = checked_options({**DEFAULTS, **given}), iv_options(given["estimator"], given["fuller"])
        spec, vcov = (
            ModelSpec(formula, None, given["where"]),
            vcov_spec(named_of_gram(self.gram_data, given["vcov"]), given["like"]),
        )
        return IvFit(fit_iv_stored(self.gram_data, spec, settings, own, vcov))

    @overload
    def ridge(
        self,
        alpha: float,
        formula: str | None = None,
        *,
        each: Literal[False] = False,
        **options: Unpack[GramRidgeKeywords],
    ) -> LinearFit: ...
    @overload
    def ridge(
        self, alpha: float, formula: str | None = None, *, each: Literal[True], **options: Unpack[GramRidgeKeywords]
    ) -> Fits: ...
    @takes(GramRidgeKeywords)
    def ridge(
        self, alpha: float, formula: str | None = None, *, each: bool = False, **options: Unpack[GramRidgeKeywords]
    ) -> LinearFit | Fits:
        """Fit a ridge regression for any formula whose terms are stored, without data.

        Parameters
        ----------
        alpha : float
            The penalty: r'Wr + alpha b'b is minimised, with b the coefficients other than the intercept.
        formula, drop, where, each, digits
            As in `ols`.
        drop_first : bool
            Whether factors leave out their reference level. By default every level has a column, so that the fit does
            not depend on the choice of a reference.

        Returns
        -------
        LinearFit or Fits
            As `ols`, which also states warnings and errors.
        """
        given = completed(Gram.ridge, options)
        settings = checked_options({**DEFAULTS, **given}, alpha)
        spec = ModelSpec(formula, given["drop"], given["where"])
        return gram_models.fits(self.gram_data, spec, settings, each=each)

    @takes(GramPathKeywords)
    def path(self, l1_ratio: float = 1.0, formula: str | None = None, **options: Unpack[GramPathKeywords]) -> Path:
        """Ridge, lasso or elastic-net fits for a sequence of penalties, without data.

        Parameters
        ----------
        l1_ratio : float
            0 for ridge, 1 for the lasso, between them for the elastic net.
        formula, drop, where
            As in `ols`.
        alphas : iterable of float, optional
            Penalties, as in scikit-learn; by default all knots of the lasso, or a grid of 100.
        penalties : mapping of str to float, optional
            Term -> factor of its penalty, 0 for none.
        standardize : bool
            Whether the coefficients of standardised columns are penalised.
        drop_first : bool
            Whether factors leave out their reference level.

        Returns
        -------
        Path
            One fit for each penalty, the largest penalty first.

        Examples
        --------
        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
        >>> [round(float(alpha), 12) for alpha in gram.path().alphas]
        [2.375, 0.125, 0.0]
        """
        from gramian.fit.penalized.result_path import path_of

        given = completed(Gram.path, options)
        spec = ModelSpec(formula, given["drop"], given["where"])
        return path_of(*gram_models.one_model(self.gram_data, spec, "a path"), l1_ratio, **part_of(given, PathKeywords))

    @takes(GramValidationKeywords)
    def cross_validate(
        self,
        l1_ratio: float = 0.0,
        alphas: Iterable[float] | None = None,
        formula: str | None = None,
        **options: Unpack[GramValidationKeywords],
    ) -> CrossValidation:
        """Cross-validate a path, without data: each fold, or each group, is predicted from the others.

        Needs a Gram made with `folds`, or with `by` to leave out one group after the other.

        Parameters
        ----------
        l1_ratio, alphas, formula, drop, penalties, standardize, drop_first
            As in `path`.

        Returns
        -------
        CrossValidation
            Prediction errors by penalty and fold, and the best penalty.

        Raises
        ------
        OptionError
            If the Gram stores neither folds nor groups, or for several outcomes.

        Examples
        --------
        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a", {"a": [1, 2, 3, 4, 5, 6], "y": [2, 4, 5, 8, 9, 13]}, folds=3)
        >>> gram.cross_validate(alphas=[0.1, 1, 10]).best_alpha
        0.1
        """
        from gramian.fit.penalized.result_cv import cross_validation_of

        given = completed(Gram.cross_validate, options)
        folds = gram_models.fold_moments(self.gram_data, ModelSpec(formula, given["drop"]))
        return cross_validation_of(*folds, l1_ratio=l1_ratio, alphas=alphas, **part_of(given, PenaltyScaleKeywords))

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
        """Select the terms of the model with the best value of a criterion, without data.

        Parameters
        ----------
        criterion : {"aic", "bic", "adj_r2", "cp"}
            Akaike's or Schwarz's criterion, adjusted R squared, or Mallows' Cp.
        method : {"best", "forward", "backward"}
            "best" searches all subsets of up to 30 terms; the others add or remove one term at a time.
        formula, drop, where
            As in `ols`.
        count : int
            Number of models of every size that "best" reports.

        Returns
        -------
        Selection
            The selected terms, and the models that were compared.

        Examples
        --------
        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
        >>> gram.select("bic").terms
        ('a', 'b')
        """
        from gramian.fit.selection.result import selection

        spec = ModelSpec(formula, drop, where)
        return selection(*gram_models.one_model(self.gram_data, spec, "a selection"), criterion, method, count)

    def correlation(self, formula: str | None = None, *, where: Level | Key | None = None) -> Correlation:
        """Correlations of the columns of a formula and its outcome, without data.

        Every level of a factor is a column. formula, where : as in `ols`.
        """
        from gramian.fit.linear.result_collinearity import correlation

        design, accumulated = gram_models.one_model(self.gram_data, ModelSpec(formula, None, where), "a correlation")
        return correlation(design, accumulated.moments)

    def vif(self, formula: str | None = None, *, where: Level | Key | None = None) -> pa.Table:
        """Generalised variance inflation factors of the terms of a formula, without data; see `LinearFit.vif`.

        A table with the columns term, df, vif and scaled, which is vif^(1 / (2 df)). formula, where : as in `ols`.
        """
        from gramian.fit.linear.result_collinearity import vif

        model = gram_models.one_model(self.gram_data, ModelSpec(formula, None, where), "variance inflation")
        # no digits are requested, because the coefficients are not part of the result
        return vif(solve_stored(*model, Options(digits=0.0)))

    def __add__(self, other: object) -> Gram:
        from gramian.fit.gram.arithmetic import add_grams

        return Gram(add_grams(self.gram_data, other.gram_data)) if isinstance(other, Gram) else NotImplemented

    def __radd__(self, other: object) -> Gram:
        """0 + Gram is the Gram, so that `sum(grams)` works: it begins with 0."""
        # any other number is a mistake, which Python then reports as a TypeError
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: object) -> Gram:
        from gramian.fit.gram.arithmetic import subtract_grams

        return Gram(subtract_grams(self.gram_data, other.gram_data)) if isinstance(other, Gram) else NotImplemented
