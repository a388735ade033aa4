"""Robust covariance estimators: kinds, small-sample factors, degrees of freedom, and conventions of other packages.

n rows, q identified columns, G clusters (of several columns the fewest); each is the sandwich `(X'WX)^-1 M (X'WX)^-1`:

| kind | meat M: sum of | factor |
|---|---|---|
| HC0, HC1 | s_i s_i', rows' scores | 1, n / (n - q) |
| HC2, HC3 | s_i s_i' / (1 - h_i), / (1 - h_i)^2, h leverages | 1 |
| CR0, CR1 | S_g S_g', clusters' sums of scores | 1, G / (G - 1) (n - 1) / (n - q) |
| CR3 | d_g d_g' in place of the sandwich, d_g = b without cluster g - b | (G - 1) / G |

Several columns: by inclusion and exclusion over their combinations (Cameron, Gelbach and Miller 2011).
`like` selects the conventions of a package ("lm": a linear model, "glm": any other):

| like | HC1 | CR1 | CR3 | several columns | t with | eigenvalues < 0 |
|---|---|---|---|---|---|---|
| None | n/(n-q) | as above | (G-1)/G | the fewest G in all parts | n-q, clusters G-1; z: known dispersion | zero |
| fixest | same | same | none | same | same | zero |
| stata | glm: n/(n-1) | glm: G/(G-1) | (G-1)/G | same | lm: n-q, clusters G-1; glm: z | zero |
| R | same | glm: G/(G-1) | 1 | each part its own G | lm: n-q; glm: z | kept |
| statsmodels | glm: 1 | same | none | each part its own G | z | kept |

Absorbed factors (`y ~ x | firm`) count in q with the rank of their levels. Under clusters the levels of a factor that
is nested in a column of them (every level lies in one cluster) are not counted, but for one, the constant: fixest,
reghdfe and None; R and statsmodels, which have dummies, count all. For the rank of several factors fixest takes their
levels less one for each further factor, whether they hang together or not.

R is sandwich 3 with lmtest's `coeftest`; Stata's several columns are those of reghdfe; statsmodels has no HC2, HC3 of
a glm, and takes the observed information for a link that is not canonical, where everybody else takes the expected one.
HC: MacKinnon and White (1985). CR3: Bell and McCaffrey (2002); of a glm it is one Newton step without the cluster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from gramian.errors import OptionError, did_you_mean

Vcov: TypeAlias = str | Mapping[str, Any]

IID = "iid"
HC = ("HC0", "HC1", "HC2", "HC3")
CR = ("CR0", "CR1", "CR3")
VCOV = (IID, *HC)
MAX_CLUSTER_COLUMNS = 4  # inclusion and exclusion over k columns has 2^k - 1 parts
EXAMPLE = "as in vcov={'cluster': 'firm'}"


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
    leverages : bool
        Whether HC2 and HC3 exist for a glm.
    cr3_factor : bool or None
        Whether CR3 is multiplied by (G - 1) / G; None where there is no CR3.
    clip_eigenvalues : bool
        Whether negative eigenvalues of multi-way clustering are set to zero.
    drop_nested : bool
        Whether absorbed levels that are nested in clusters are not counted in q.
    exact_rank : bool
        Whether the rank of several absorbed factors is counted, in place of their levels less one for each further
        factor.
    """

    use_z: str = "known"
    cluster_df: bool = True
    own_clusters: bool = False
    hc1_df: float | None = None
    cr1_counts_columns: bool = True
    leverages: bool = True
    cr3_factor: bool | None = True
    clip_eigenvalues: bool = True
    drop_nested: bool = True
    exact_rank: bool = True


OURS = SmallSample()
LIKE: Mapping[str, SmallSample] = {
    "R": SmallSample(
        "glm",
        cluster_df=False,
        own_clusters=True,
        cr1_counts_columns=False,
        cr3_factor=False,
        clip_eigenvalues=False,
        drop_nested=False,
    ),
    "statsmodels": SmallSample(
        "always",
        own_clusters=True,
        hc1_df=0.0,
        leverages=False,
        cr3_factor=None,
        clip_eigenvalues=False,
        drop_nested=False,
    ),
    "stata": SmallSample("glm", hc1_df=1.0, cr1_counts_columns=False),
    "fixest": SmallSample(cr3_factor=None, exact_rank=False),
}


@dataclass(frozen=True, slots=True)
class VcovSpec:
    """A robust covariance estimator.

    Attributes
    ----------
    kind : str
        One of `HC` or `CR`.
    clusters : tuple of str
        Columns of clusters; empty for HC.
    like : str or None
        Package whose conventions hold, a key of `LIKE`; None for ours.
    """

    kind: str
    clusters: tuple[str, ...] = ()
    like: str | None = None

    @property
    def name(self) -> str:
        """Kind and cluster columns, as in reports."""
        return f"{self.kind} by {' and '.join(self.clusters)}" if self.clusters else self.kind

    @property
    def small_sample(self) -> SmallSample:
        """Its conventions for small samples."""
        return OURS if self.like is None else LIKE[self.like]


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


def vcov_spec(vcov: Any, like: str | None = None) -> VcovSpec | None:
    """The estimator that an option asks for; None for "iid".

    Parameters
    ----------
    vcov : str or mapping
        "iid", "HC0" to "HC3", or {"cluster": column or columns, "type": "CR1"}.
    like : str, optional
        Package whose conventions hold.

    Raises
    ------
    OptionError
        Any other value, or a combination that does not exist.
    """
    if like is not None and like not in LIKE:
        raise OptionError(f"like must be one of {_listed(LIKE)}, found {like!r}{did_you_mean(str(like), LIKE)}")
    if isinstance(vcov, Mapping):
        return _clustered(vcov, like)
    if vcov not in VCOV:
        raise OptionError(
            f"vcov must be one of {_listed(VCOV)}, or name clusters {EXAMPLE}; found {vcov!r}"
            f"{did_you_mean(str(vcov), VCOV)}"
        )
    if vcov == IID and like is not None:
        raise OptionError("like says how a robust covariance is made; with vcov='iid' it has no meaning")
    return None if vcov == IID else VcovSpec(vcov, (), like)


def _clustered(vcov: Mapping[str, Any], like: str | None) -> VcovSpec:
    """The clustered estimator that a mapping asks for."""
    if not {"cluster"} <= vcov.keys() <= {"cluster", "type"}:
        raise OptionError(f"vcov names its columns {EXAMPLE}, and may have a 'type'; found {dict(vcov)!r}")
    cluster, kind = vcov["cluster"], vcov.get("type", "CR1")
    columns = (cluster,) if isinstance(cluster, str) else cluster
    if not _is_names(columns) or not 1 <= len(columns) <= MAX_CLUSTER_COLUMNS or len(set(columns)) < len(columns):
        raise OptionError(f"'cluster' must name one to {MAX_CLUSTER_COLUMNS} different columns, found {cluster!r}")
    if kind not in CR:
        raise OptionError(f"'type' must be one of {_listed(CR)}, found {kind!r}{did_you_mean(str(kind), CR)}")
    spec = VcovSpec(kind, tuple(columns), like)
    # inclusion and exclusion needs sums over clusters, and CR3 refits without each cluster
    if kind == "CR3" and len(columns) > 1:
        raise OptionError("CR3 leaves one cluster out at a time, so it takes one column; use CR1 for several")
    if kind == "CR3" and spec.small_sample.cr3_factor is None:
        raise OptionError(f"{like} has no CR3; leave like out, or use CR1")
    return spec


def _is_names(columns: Any) -> bool:
    """Whether these are a sequence of names."""
    return isinstance(columns, Sequence) and all(isinstance(column, str) for column in columns)


def _listed(names: Any) -> str:
    """Names in quotes, for messages."""
    return ", ".join(repr(name) for name in names)


def small_sample_factor(vcov: VcovSpec, facts: ModelFacts, clusters: int = 0, fewest_clusters: int = 0) -> float:
    """Factor of the sandwich (the table above); NaN without residual degrees of freedom.

    clusters : number of clusters of this part. fewest_clusters : of the cluster column that has the fewest.
    """
    n, q, small_sample = facts.rows, facts.columns, vcov.small_sample
    if vcov.kind in ("HC0", "HC2", "HC3", "CR0"):
        return 1.0
    if vcov.kind == "HC1":
        return _ratio(n, n - (q if small_sample.hc1_df is None or not facts.is_glm else small_sample.hc1_df))
    G = clusters if small_sample.own_clusters else fewest_clusters
    if vcov.kind == "CR3":
        return (G - 1) / G if small_sample.cr3_factor else 1.0
    return _ratio(G, G - 1) * (_ratio(n - 1, n - q) if small_sample.cr1_counts_columns or not facts.is_glm else 1.0)


def degrees_of_freedom(vcov: VcovSpec, facts: ModelFacts, fewest_clusters: int = 0) -> float:
    """Degrees of freedom of t and F; infinite for the normal distribution."""
    small_sample = vcov.small_sample
    by_z = {"known": facts.known_dispersion, "glm": facts.is_glm, "always": True}[small_sample.use_z]
    if by_z:
        return math.inf
    # the scores of G clusters sum to zero, so that G - 1 are independent
    return float(fewest_clusters - 1) if vcov.clusters and small_sample.cluster_df else facts.rows - facts.columns


def _ratio(numerator: float, denominator: float) -> float:
    """Quotient; NaN unless the denominator is positive."""
    return numerator / denominator if denominator > 0 else math.nan
