"""Recipes of robust covariances: which one, its small-sample factor, its degrees of freedom, whose conventions.

n rows, q columns used, G clusters (of several columns the fewest), each `(X'WX)^-1 M (X'WX)^-1` with the meat M:

| kind | M: sum of | factor |
|---|---|---|
| HC0, HC1 | s_i s_i', rows' scores | 1, n / (n - q) |
| HC2, HC3 | s_i s_i' / (1 - h_i), / (1 - h_i)^2, h leverages | 1 |
| CR0, CR1 | S_g S_g', clusters' sums of scores | 1, G / (G - 1) (n - 1) / (n - q) |
| CR3 | d_g d_g' in place of the sandwich, d_g = b without cluster g - b | (G - 1) / G |

Several columns: by inclusion and exclusion over their combinations (Cameron, Gelbach and Miller 2011).
`like` sets what packages do in other ways ("lm": a linear model, "glm": any other):

| like | HC1 | CR1 | CR3 | several columns | t with | eigenvalues < 0 |
|---|---|---|---|---|---|---|
| None | n/(n-q) | as above | (G-1)/G | the fewest G in all parts | n-q, clusters G-1; z: known dispersion | zero |
| fixest | same | same | not there | same | same | zero |
| stata | glm: n/(n-1) | glm: G/(G-1) | (G-1)/G | same | lm: n-q, clusters G-1; glm: z | zero |
| R | same | glm: G/(G-1) | 1 | each part its own G | lm: n-q; glm: z | left |
| statsmodels | glm: 1 | same | not there | each part its own G | z | left |

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
MAX_CLUSTER_COLUMNS = 4  # columns of clusters: there are 2^k - 1 parts
EXAMPLE = "as in vcov={'cluster': 'firm'}"


@dataclass(frozen=True, slots=True)
class SmallSample:
    """What a package does in its own way.

    normal : where z takes the place of t: "known" dispersion, "glm", "always". groups : clusters have G - 1 degrees of
    freedom. own : each part of several columns has its own G. hc1 : d of n / (n - d) in a glm, None for q. cr1 :
    whether a glm's factor knows q. leverages : whether a glm has HC2 and HC3.
    share : whether CR3 is multiplied by (G - 1) / G, None where it is not there. repaired : negative eigenvalues.
    nested : whether absorbed levels that are nested in clusters are left out of q. exact : whether the rank of several
    absorbed factors is counted, not their levels less one for each further factor.
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
    """A robust covariance. kind : one of HC or CR. clusters : columns, none for HC. like : one of LIKE or None."""

    kind: str
    clusters: tuple[str, ...] = ()
    like: str | None = None

    @property
    def name(self) -> str:
        """Kind and columns."""
        return f"{self.kind} by {' and '.join(self.clusters)}" if self.clusters else self.kind

    @property
    def small_sample(self) -> SmallSample:
        """Whose conventions."""
        return OURS if self.like is None else LIKE[self.like]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What factors and degrees of freedom depend on.

    rows : n. columns : q. general : whether it is a glm, and known : one whose dispersion is known.
    """

    rows: int
    columns: float
    is_glm: bool = False
    known_dispersion: bool = False


def vcov_spec(vcov: Any, like: str | None = None) -> VcovSpec | None:
    """The recipe that an option asks for, None for "iid". Raises OptionError."""
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
    if not {"cluster"} <= vcov.keys() <= {"cluster", "type"}:
        raise OptionError(f"vcov names its columns {EXAMPLE}, and may have a 'type'; found {dict(vcov)!r}")
    cluster, kind = vcov["cluster"], vcov.get("type", "CR1")
    columns = (cluster,) if isinstance(cluster, str) else cluster
    if not _is_names(columns) or not 1 <= len(columns) <= MAX_CLUSTER_COLUMNS or len(set(columns)) < len(columns):
        raise OptionError(f"'cluster' must name one to {MAX_CLUSTER_COLUMNS} different columns, found {cluster!r}")
    if kind not in CR:
        raise OptionError(f"'type' must be one of {_listed(CR)}, found {kind!r}{did_you_mean(str(kind), CR)}")
    spec = VcovSpec(kind, tuple(columns), like)
    if kind == "CR3" and len(columns) > 1:
        raise OptionError("CR3 leaves one cluster out at a time, so it takes one column; use CR1 for several")
    if kind == "CR3" and spec.small_sample.cr3_factor is None:
        raise OptionError(f"{like} has no CR3; leave like out, or use CR1")
    return spec


def _is_names(columns: Any) -> bool:
    return isinstance(columns, Sequence) and all(isinstance(column, str) for column in columns)


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names)


def small_sample_factor(vcov: VcovSpec, facts: ModelFacts, clusters: int = 0, fewest_clusters: int = 0) -> float:
    """What the sandwich is multiplied by; NaN where no degree of freedom is left.

    groups : clusters of this part. least : of the column that has the fewest.
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
    """Degrees of freedom of t and F; infinite for z."""
    small_sample = vcov.small_sample
    by_z = {"known": facts.known_dispersion, "glm": facts.is_glm, "always": True}[small_sample.use_z]
    if by_z:
        return math.inf
    return float(fewest_clusters - 1) if vcov.clusters and small_sample.cluster_df else facts.rows - facts.columns


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.nan
