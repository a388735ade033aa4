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
MOST = 4  # columns of clusters: there are 2^k - 1 parts
EXAMPLE = "as in vcov={'cluster': 'firm'}"


@dataclass(frozen=True, slots=True)
class Convention:
    """What a package does in its own way.

    normal : where z takes the place of t: "known" dispersion, "glm", "always". groups : clusters have G - 1 degrees of
    freedom. own : each part of several columns has its own G. hc1 : d of n / (n - d) in a glm, None for q. cr1 :
    whether a glm's factor knows q. leverages : whether a glm has HC2 and HC3.
    share : whether CR3 is multiplied by (G - 1) / G, None where it is not there. repaired : negative eigenvalues.
    nested : whether absorbed levels that are nested in clusters are left out of q. exact : whether the rank of several
    absorbed factors is counted, not their levels less one for each further factor.
    """

    normal: str = "known"
    groups: bool = True
    own: bool = False
    hc1: float | None = None
    cr1: bool = True
    leverages: bool = True
    share: bool | None = True
    repaired: bool = True
    nested: bool = True
    exact: bool = True


OURS = Convention()
LIKE: Mapping[str, Convention] = {
    "R": Convention("glm", groups=False, own=True, cr1=False, share=False, repaired=False, nested=False),
    "statsmodels": Convention("always", own=True, hc1=0.0, leverages=False, share=None, repaired=False, nested=False),
    "stata": Convention("glm", hc1=1.0, cr1=False),
    "fixest": Convention(share=None, exact=False),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A robust covariance. kind : one of HC or CR. clusters : columns, none for HC. like : one of LIKE or None."""

    kind: str
    clusters: tuple[str, ...] = ()
    like: str | None = None

    @property
    def name(self) -> str:
        """Kind and columns."""
        return f"{self.kind} by {' and '.join(self.clusters)}" if self.clusters else self.kind

    @property
    def convention(self) -> Convention:
        """Whose conventions."""
        return OURS if self.like is None else LIKE[self.like]


@dataclass(frozen=True, slots=True)
class Setup:
    """What factors and degrees of freedom depend on.

    rows : n. columns : q. general : whether it is a glm, and known : one whose dispersion is known.
    """

    rows: int
    columns: float
    general: bool = False
    known: bool = False


def recipe(vcov: Any, like: str | None = None) -> Recipe | None:
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
    return None if vcov == IID else Recipe(vcov, (), like)


def _clustered(vcov: Mapping[str, Any], like: str | None) -> Recipe:
    if not {"cluster"} <= vcov.keys() <= {"cluster", "type"}:
        raise OptionError(f"vcov names its columns {EXAMPLE}, and may have a 'type'; found {dict(vcov)!r}")
    given, kind = vcov["cluster"], vcov.get("type", "CR1")
    columns = (given,) if isinstance(given, str) else given
    if not _is_names(columns) or not 1 <= len(columns) <= MOST or len(set(columns)) < len(columns):
        raise OptionError(f"'cluster' must name one to {MOST} different columns, found {given!r}")
    if kind not in CR:
        raise OptionError(f"'type' must be one of {_listed(CR)}, found {kind!r}{did_you_mean(str(kind), CR)}")
    out = Recipe(kind, tuple(columns), like)
    if kind == "CR3" and len(columns) > 1:
        raise OptionError("CR3 leaves one cluster out at a time, so it takes one column; use CR1 for several")
    if kind == "CR3" and out.convention.share is None:
        raise OptionError(f"{like} has no CR3; leave like out, or use CR1")
    return out


def _is_names(columns: Any) -> bool:
    return isinstance(columns, Sequence) and all(isinstance(column, str) for column in columns)


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names)


def factor(recipe: Recipe, setup: Setup, groups: int = 0, least: int = 0) -> float:
    """What the sandwich is multiplied by; NaN where no degree of freedom is left.

    groups : clusters of this part. least : of the column that has the fewest.
    """
    n, q, how = setup.rows, setup.columns, recipe.convention
    if recipe.kind in ("HC0", "HC2", "HC3", "CR0"):
        return 1.0
    if recipe.kind == "HC1":
        return _ratio(n, n - (q if how.hc1 is None or not setup.general else how.hc1))
    G = groups if how.own else least
    if recipe.kind == "CR3":
        return (G - 1) / G if how.share else 1.0
    return _ratio(G, G - 1) * (_ratio(n - 1, n - q) if how.cr1 or not setup.general else 1.0)


def freedom(recipe: Recipe, setup: Setup, least: int = 0) -> float:
    """Degrees of freedom of t and F; infinite for z."""
    how = recipe.convention
    by_z = {"known": setup.known, "glm": setup.general, "always": True}[how.normal]
    if by_z:
        return math.inf
    return float(least - 1) if recipe.clusters and how.groups else setup.rows - setup.columns


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan
