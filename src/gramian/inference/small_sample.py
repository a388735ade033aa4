"""Small-sample conventions of robust covariances: ours, and those of other packages.

n rows, q identified columns, G clusters (of several columns the fewest). `like` selects the conventions of a package
("lm": a linear model, "glm": any other):

| like | HC1 | CR1 | CR3 | G of several columns | t with | eigenvalues < 0 |
|---|---|---|---|---|---|---|
| None | n/(n-q) | G/(G-1) (n-1)/(n-q) | (G-1)/G | the fewest | n-q, clusters G-1; known dispersion: z | zero |
| fixest | same | same | none | same | same | 1e-10, only where a variance is negative |
| stata | glm: n/(n-1) | glm: G/(G-1) | (G-1)/G | same | lm: n-q, clusters G-1; glm: z | zero |
| R | same | glm: G/(G-1) | 1 | each part its own | lm: n-q; glm: z | kept |
| statsmodels | glm: 1 | same | none | each part its own | z | kept |

Absorbed factors (`y ~ x | firm`) count in q with the rank of their levels. Under clusters the levels of a factor that
is nested in a column of them (every level lies in one cluster) are not counted, but for one, the constant: fixest,
reghdfe and None; R and statsmodels, which have dummies, count all. For the rank of several factors fixest takes their
levels less one for each further factor, whether they are connected or not.

Conley is multiplied by n/(n-q), as HC1, by fixest by (n-1)/(n-q), and by nothing in R (conleyreg); t with n-q.
Eigenvalues below zero are raised only where a variance is negative. The earth has its mean radius, in fixest and
conleyreg their own. fixest takes triangular distances unless it is told otherwise. statsmodels and Stata have no such
errors.

CR2 has no factor, and t of each coefficient has Satterthwaite's degrees of freedom: ours, R (clubSandwich) and Stata.

R is sandwich 3 with lmtest's `coeftest`; HC4 is R's alone; fixest is its version 0.12; Stata's several columns are
those of reghdfe; statsmodels has no estimator of a glm that uses leverages. Stata and statsmodels take the observed
information as the bread, which differs from the expected one for links that are not canonical; Stata also without
robust errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Earth:
    """The earth as a sphere.

    Attributes
    ----------
    radius : float
        In km.
    degree : float
        Length of a degree of latitude in km.
    """

    radius: float
    degree: float


MEAN_EARTH = Earth(6371.0088, 6371.0088 * math.pi / 180.0)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What small-sample factors and degrees of freedom depend on.

    Attributes
    ----------
    rows : int
        Number of rows, n.
    columns : float
        Number of identified columns q, absorbed levels included.
    is_glm : bool
        Whether the model is a glm.
    known_dispersion : bool
        Whether it is one whose dispersion is known.
    """

    rows: int
    columns: float
    is_glm: bool = False
    known_dispersion: bool = False


@dataclass(frozen=True, slots=True)
class SmallSample:
    """Conventions of a package for small samples.

    Attributes
    ----------
    use_z : str
        When the normal distribution takes the place of t: "known" (known dispersion), "glm" or "always".
    cluster_df : bool
        Whether clustered covariances have G - 1 degrees of freedom.
    own_clusters : bool
        Whether each part of multi-way clustering has its own G.
    hc1_df : float or None
        d of HC1's factor n / (n - d) in a glm; None for q.
    cr1_counts_columns : bool
        Whether the factor of CR1 in a glm contains (n - 1) / (n - q).
    capped_leverages : bool
        Whether HC4 exists.
    glm_leverages : bool
        Whether estimators that use leverages exist for a glm.
    jackknife : bool
        Whether CR3 exists.
    bias_reduced : bool
        Whether CR2 exists.
    cr3_factor : bool
        Whether CR3 is multiplied by (G - 1) / G.
    eigenvalue_floor : float or None
        What smaller eigenvalues of multi-way clustering are raised to, so that none is negative; None keeps them.
    only_negative_variances : bool
        Whether they are raised only where a variance, on the diagonal, is negative.
    drop_nested : bool
        Whether absorbed levels that are nested in clusters are not counted in q.
    information : str
        Which information of a glm is the bread of a robust covariance: "expected" or "observed".
    serial : str
        Factor of Newey and West, and of Driscoll and Kraay: "columns" for n / (n - q), "times" as CR1 with the number
        of times, or "none".
    spatial : str or None
        Factor of Conley: "columns" for n / (n - q), "rows" for (n - 1) / (n - q), "none"; None where there is no such
        covariance.
    distance : str
        How distances are measured where nothing is said: "spherical" or "triangular".
    earth : Earth
        The earth on which they are.
    exact_rank : bool
        Whether the rank of several absorbed factors is counted, in place of their levels less one for each further
        factor.
    """

    use_z: str = "known"
    cluster_df: bool = True
    own_clusters: bool = False
    hc1_df: float | None = None
    cr1_counts_columns: bool = True
    capped_leverages: bool = True
    glm_leverages: bool = True
    jackknife: bool = True
    bias_reduced: bool = True
    cr3_factor: bool = True
    eigenvalue_floor: float | None = 0.0
    only_negative_variances: bool = False
    drop_nested: bool = True
    exact_rank: bool = True
    information: str = "expected"
    serial: str = "columns"
    spatial: str | None = "columns"
    distance: str = "spherical"
    earth: Earth = MEAN_EARTH

    def no_factor(self, facts: ModelFacts, clusters: int) -> float:
        """1."""
        return 1.0

    def hc1_factor(self, facts: ModelFacts, clusters: int) -> float:
        """n / (n - q); NaN without residual degrees of freedom."""
        n = facts.rows
        return _ratio(n, n - (facts.columns if self.hc1_df is None or not facts.is_glm else self.hc1_df))

    def cr1_factor(self, facts: ModelFacts, clusters: int) -> float:
        """G / (G - 1) (n - 1) / (n - q); NaN without residual degrees of freedom."""
        n, count_columns = facts.rows, self.cr1_counts_columns or not facts.is_glm
        return _ratio(clusters, clusters - 1) * (_ratio(n - 1, n - facts.columns) if count_columns else 1.0)

    def serial_factor(self, facts: ModelFacts, clusters: int) -> float:
        """n / (n - q), 1, or with the number of times as CR1; NaN without residual degrees of freedom."""
        if self.serial == "none":
            return 1.0
        return self.cr1_factor(facts, clusters) if self.serial == "times" else self.hc1_factor(facts, clusters)

    def spatial_factor(self, facts: ModelFacts, clusters: int) -> float:
        """n / (n - q), (n - 1) / (n - q) or 1; NaN without residual degrees of freedom."""
        if self.spatial == "none":
            return 1.0
        return _ratio(facts.rows - (self.spatial == "rows"), facts.rows - facts.columns)

    def jackknife_factor(self, facts: ModelFacts, clusters: int) -> float:
        """(G - 1) / G."""
        return (clusters - 1) / clusters if self.cr3_factor else 1.0

    def degrees_of_freedom(self, facts: ModelFacts, fewest_clusters: int | None = None) -> float:
        """Degrees of freedom of t and F; infinite for the normal distribution.

        fewest_clusters : of the cluster column that has the fewest; None without clusters.
        """
        if {"known": facts.known_dispersion, "glm": facts.is_glm, "always": True}[self.use_z]:
            return math.inf
        # the scores of G clusters sum to zero, so that G - 1 are independent
        if fewest_clusters is not None and self.cluster_df:
            return float(fewest_clusters - 1)
        return facts.rows - facts.columns


OURS = SmallSample()
LIKE: Mapping[str, SmallSample] = {
    "R": SmallSample(
        "glm",
        cluster_df=False,
        own_clusters=True,
        cr1_counts_columns=False,
        cr3_factor=False,
        eigenvalue_floor=None,
        drop_nested=False,
        serial="none",
        spatial="none",
        earth=Earth(6371.01, 6371.01 * math.pi / 180.0),
    ),
    "statsmodels": SmallSample(
        "always",
        own_clusters=True,
        hc1_df=0.0,
        capped_leverages=False,
        glm_leverages=False,
        jackknife=False,
        bias_reduced=False,
        eigenvalue_floor=None,
        drop_nested=False,
        information="observed",
        serial="none",
        spatial=None,
    ),
    "stata": SmallSample(
        "glm",
        hc1_df=1.0,
        capped_leverages=False,
        cr1_counts_columns=False,
        information="observed",
        spatial=None,
    ),
    "fixest": SmallSample(
        capped_leverages=False,
        jackknife=False,
        bias_reduced=False,
        eigenvalue_floor=1e-10,
        only_negative_variances=True,
        exact_rank=False,
        serial="times",
        spatial="rows",
        distance="triangular",
        earth=Earth(6376.0, 111.0),
    ),
}


def conventions(like: str | None) -> SmallSample:
    """The conventions of a package, a key of `LIKE`; ours for None."""
    return OURS if like is None else LIKE[like]


def _ratio(numerator: float, denominator: float) -> float:
    """Quotient; NaN unless the denominator is positive."""
    return numerator / denominator if denominator > 0 else math.nan
