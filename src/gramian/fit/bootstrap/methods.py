"""Base of linear fits: what draws of their rows and clusters say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from gramian.fit.bootstrap.keywords import BootstrapKeywords, ClusterSumsKeywords, RandomizationKeywords, WildKeywords
from gramian.fit.effects.methods import WithEffects
from gramian.fit.leastsquares.solution import Solved
from gramian.keywords import completed, takes

if TYPE_CHECKING:
    from gramian.fit.bootstrap.draws import Bootstrap
    from gramian.fit.bootstrap.jackknife import Jackknife
    from gramian.fit.bootstrap.randomization_result import RandomizationTest
    from gramian.fit.bootstrap.result import BootstrapTest


class WithBootstrap(WithEffects):
    """Bootstraps and the jackknife, from sums."""

    __slots__ = ()
    solved: Solved

    @takes(WildKeywords, draws=9999, weights="rademacher", restricted=True, alternative="two-sided", level=0.95)
    def wild_bootstrap(self, hypothesis: str, data: object = None, **options: Unpack[WildKeywords]) -> BootstrapTest:
        """Test a hypothesis by the wild cluster bootstrap, from sums by cluster.

        Parameters
        ----------
        hypothesis : str
            One equation, as in `test`: "x = 0", "x1 = 2*x2"; or several, tested at once by F: "x1 = 0, x2 = 0".
        data : object, optional
            The rows of the fit, read in one pass, or a `Gram` with sums by cluster, from which no rows are read. By
            default the rows that the fit was made of.
        cluster : str, optional
            Column of clusters; by default that of the fit's standard errors, or of the Gram.
        draws : int, default 9999
            Number of draws. Where there are no more patterns of signs than that (Rademacher weights), each is taken
            once.
        weights : {"rademacher", "mammen", "webb", "normal"}, default "rademacher"
            Distribution of the number by which the residuals of a cluster are multiplied.
        seed : int, optional
            Of the random numbers; the same seed gives the same result on every engine and for any order of rows.
        restricted : bool, default True
            Whether residuals are those of the fit under the hypothesis.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            On which side a statistic is further out.
        level : float, default 0.95
            Level of the interval, which has the values that a two-sided test does not reject.
        engine : Engine or str, optional
            What reads the data.

        Returns
        -------
        BootstrapTest

        Raises
        ------
        OptionError
            Without a column of clusters, for absorbed factors that are not nested in clusters (those that are cost a
            second pass), under a penalty, and for one side of several equations.
        DataError
            Where the rows are not those of the fit.
        NumericalError
            With one cluster only, and where several equations need more clusters.

        Notes
        -----
        A. C. Cameron, J. B. Gelbach, D. L. Miller, "Bootstrap-based improvements for inference with clustered errors",
        The Review of Economics and Statistics 90 (2008); from sums by cluster as in J. G. MacKinnon, "Fast cluster
        bootstrap methods for linear regression models", Econometrics and Statistics 26 (2023).
        """
        from gramian.fit.bootstrap.sums import sums_of
        from gramian.fit.bootstrap.tested import tested
        from gramian.fit.bootstrap.wild import WildOptions

        given = completed(type(self).wild_bootstrap, options)
        settings = WildOptions(
            given["draws"], given["weights"], given["seed"], given["restricted"], given["alternative"], given["level"]
        )
        sums = sums_of(self.solved, self.fitted_rows, data, given["cluster"], given["engine"])
        return tested(self.solved, sums, hypothesis, settings)

    @takes(BootstrapKeywords, draws=999)
    def bootstrap(self, data: object = None, **options: Unpack[BootstrapKeywords]) -> Bootstrap:
        """Draws of clusters, or of rows, with the coefficients of each, from sums of one pass.

        Parameters
        ----------
        data : object, optional
            The rows of the fit, read in one pass, or a `Gram` with sums by cluster, from which no rows are read. By
            default the rows that the fit was made of.
        by : {"cluster", "row"}, optional
            What is drawn: clusters with all their rows (the pairs cluster bootstrap), or single rows. By default
            clusters where there is a column of them.
        cluster : str, optional
            Column of clusters; by default that of the fit's standard errors, or of the Gram.
        draws : int, default 999
            Number of draws.
        weights : {"multinomial", "poisson", "exponential"}, optional
            How often a cluster or row is in a draw: so many with replacement as there are (the default of clusters),
            Poisson of mean 1 (that of rows), or exponential of mean 1, the Bayesian bootstrap, which leaves none out.
        seed : int, optional
            Of the random numbers; the same seed gives the same result on every engine and for any cuts of the rows; of
            clusters also for any order of rows.
        engine : Engine or str, optional
            What reads the data.

        Returns
        -------
        Bootstrap

        Raises
        ------
        OptionError
            For absorbed factors that are not nested in clusters, and any for rows; under a penalty, for multinomial
            weights of rows, and without a column of clusters.
        DataError
            Where the rows are not those of the fit, or the sums of so many draws do not fit into memory.
        NumericalError
            With one cluster only, and where hardly a draw determines the coefficients.

        Notes
        -----
        A. C. Cameron, J. B. Gelbach, D. L. Miller, "Bootstrap-based improvements for inference with clustered errors",
        The Review of Economics and Statistics 90 (2008), has the t intervals of clusters.
        """
        from gramian.fit.bootstrap.choice import bootstrap

        given = completed(type(self).bootstrap, options)
        return bootstrap(self.solved, self.fitted_rows, data, given)

    @takes(ClusterSumsKeywords)
    def jackknife(self, data: object = None, **options: Unpack[ClusterSumsKeywords]) -> Jackknife:
        """The coefficients without each cluster, from sums by cluster: standard errors (CR3), bias and influence.

        Parameters
        ----------
        data : object, optional
            As of `wild_bootstrap`.
        cluster : str, optional
            Column of clusters; by default that of the fit's standard errors, or of the Gram.
        engine : Engine or str, optional
            What reads the data.

        Returns
        -------
        Jackknife

        Raises
        ------
        OptionError, DataError
            As of `wild_bootstrap`.
        NumericalError
            With one cluster only, and where a coefficient rests on one cluster alone, which is named.

        Notes
        -----
        J. G. MacKinnon, M. O. Nielsen, M. D. Webb, "Leverage, influence, and the jackknife in clustered regression
        models: Reliable inference using summclust", Stata Journal 23 (2023).
        """
        from gramian.fit.bootstrap.jackknife import jackknife
        from gramian.fit.bootstrap.sums import sums_of

        given = completed(type(self).jackknife, options)
        return jackknife(self.solved, sums_of(self.solved, self.fitted_rows, data, given["cluster"], given["engine"]))

    @takes(RandomizationKeywords, draws=999, alternative="two-sided", level=0.95)
    def randomization(
        self, hypothesis: str, data: object = None, **options: Unpack[RandomizationKeywords]
    ) -> RandomizationTest:
        """Randomization inference: the estimate among those of the assignments of a treatment that might have been.

        Parameters
        ----------
        hypothesis : str
            A sharp one about the coefficient of the treatment, "treated = 0": the effect in every unit. The treatment,
            a number or a factor of two levels, must be in no other column of the model.
        data : object, optional
            The rows of the fit, read in one pass; by default those that it was made of.
        cluster : str, optional
            Column of the units that were assigned as a whole, of which sums are kept. By default single rows were
            assigned, and a few numbers of each are kept.
        strata : str or sequence of str, optional
            Columns within whose values treatments change places.
        draws : int, default 999
            Number of random assignments; where there are no more than that in all, each is taken once.
        seed : int, optional
            Of the random numbers; the same seed gives the same result on every engine and for any cuts of the rows; of
            clusters also for any order of rows.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            On which side a coefficient is further out.
        level : float, default 0.95
            Level of the interval, which has the effects that a two-sided test does not reject.
        engine : Engine or str, optional
            What reads the data.

        Returns
        -------
        RandomizationTest

        Raises
        ------
        OptionError
            For another hypothesis, with absorbed factors or a penalty.
        DataError
            Where the rows are not those of the fit, the treatment varies within clusters, a cluster lies in several
            strata, or single rows do not fit into memory.
        NumericalError
            Where no other assignment is possible.

        Notes
        -----
        As Stata's `ritest`: S. Hess, "Randomization inference with Stata: A guide and software", Stata Journal 17
        (2017); the p-value is the share of assignments at least as far out.
        """
        from gramian.engines.choice import engine_of
        from gramian.fit.bootstrap.choice import seed_of
        from gramian.fit.bootstrap.randomization import Assignment, randomization_test
        from gramian.fit.passes.job import PassRunner
        from gramian.results.fitted_rows import rows_or_fitted

        given = completed(type(self).randomization, options)
        strata = given["strata"] or ()
        how = Assignment(
            given["cluster"],
            (strata,) if isinstance(strata, str) else tuple(strata),
            given["draws"],
            seed_of(given["seed"]),
            given["alternative"],
            given["level"],
        )
        source = rows_or_fitted(data, self.fitted_rows)
        runner = PassRunner(source, engine_of(given["engine"], source))
        return randomization_test(self.solved, runner, hypothesis, how)
