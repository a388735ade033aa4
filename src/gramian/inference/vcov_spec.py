"""The option `vcov=`: which robust covariance is asked for, by which columns, by whose conventions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

from gramian.errors import OptionError, did_you_mean, one_of
from gramian.inference.estimators import (
    CONLEY,
    CR,
    DEFAULT_CR,
    DRISCOLL_KRAAY,
    ESTIMATORS,
    HC,
    IID,
    NEWEY_WEST,
    SERIAL,
    Estimator,
)
from gramian.inference.small_sample import LIKE, ModelFacts, SmallSample, conventions
from gramian.typing import NotNegative, Positive

Vcov: TypeAlias = str | Mapping[str, Any]

EXPECTED, OBSERVED = "expected", "observed"
STATA = "stata"
VCOV = (IID, *HC)
MAX_CLUSTER_COLUMNS = max(estimator.max_columns for estimator in ESTIMATORS.values())
_SERIAL = "errors for rows that depend on earlier rows (Newey and West) are {'hac': 4}"
OTHER_NAMES = {
    "hac": _SERIAL,
    "neweywest": _SERIAL,
    "nw": _SERIAL,
    "robust": "'HC1' is what Stata calls robust, 'HC3' the default of R's sandwich",
    "white": "'HC0' is White's",
    "nonrobust": "'iid' are the classical errors",
    "classical": "'iid' are the classical errors",
    "twoway": "name both columns, as in {'cluster': ['firm', 'year']}",
    "conley": "name the cutoff in km, as in {'conley': 100}",
    "cluster": "name the columns of the clusters",
    "clustered": "name the columns of the clusters",
}
CHOICES = AUTO, ANDREWS = "auto", "andrews"
SAME = {"hetero": "HC1", "heteroskedastic": "HC1", "HC": "HC1"}
CLUSTERED_NAMES = {"CRV1": "CR1", "CRV2": "CR2", "CRV3": "CR3"}
SERIAL_EXAMPLE = (
    "write {'hac': 4} for rows in the order of time, {'hac': 4, 'time': 't'}, with 'panel': 'firm' for panels, or "
    "{'driscoll_kraay': 't', 'lags': 4}; 'auto' and 'andrews' choose the lags"
)
EXAMPLE = "as in vcov={'cluster': 'firm'}"
KERNELS = UNIFORM, BARTLETT = "uniform", "bartlett"
DISTANCES = SPHERICAL, TRIANGULAR = "spherical", "triangular"
CONLEY_EXAMPLE = (
    "write {'conley': 100, 'lat': 'lat', 'lon': 'lon'}, with the cutoff in km, and perhaps 'kernel': 'bartlett' or "
    "'distance': 'triangular'"
)


@dataclass(frozen=True, slots=True)
class VcovSpec:
    """The robust covariance that is asked for.

    Attributes
    ----------
    kind : str
        A key of `ESTIMATORS`.
    clusters : tuple of str
        Columns of clusters; empty for HC.
    like : str or None
        Package whose conventions hold, a key of `LIKE`; None for ours.
    information : str
        "expected" or "observed": of a generalized linear model, what is inverted.
    lags : int or None
        Of a serial covariance; None for a number that the data choose.
    choice : str
        How they choose: a member of CHOICES.
    bandwidth : float or None
        Of a serial covariance, chosen as Andrews does: lags from it on have no weight.
    cutoff : float or None
        Of a spatial covariance, in km.
    kernel, distance : str
        Of a spatial covariance: members of KERNELS and DISTANCES.
    """

    kind: str
    clusters: tuple[str, ...] = ()
    like: Annotated[str, (*LIKE,)] | None = None
    information: Annotated[str, (EXPECTED, OBSERVED)] = EXPECTED
    lags: int | None = None
    cutoff: Positive | None = None
    kernel: Annotated[str, KERNELS] = UNIFORM
    distance: Annotated[str, DISTANCES] = SPHERICAL
    choice: Annotated[str, CHOICES] = AUTO
    bandwidth: NotNegative | None = None

    @property
    def name(self) -> str:
        """Kind, cluster columns and information, as in reports."""
        kind = self.kind
        if kind in SERIAL:
            kind += f" with {self._lags}"
        if self.cutoff is not None:
            kind += f" within {self.cutoff:g} km ({self.kernel}{', triangular' * (self.distance == TRIANGULAR)})"
        name = f"{kind} by {' and '.join(self.clusters)}" if self.clusters else kind
        return f"{name}, observed information" if self.information == OBSERVED else name

    @property
    def _lags(self) -> str:
        """The lags of a serial covariance in words."""
        if self.lags is not None:
            return f"{self.lags} lag{'s'[: self.lags != 1]}"
        if self.bandwidth is not None:
            return f"a bandwidth of {self.bandwidth:.6g}"
        return "automatic lags" if self.choice == AUTO else "a bandwidth by Andrews"

    @property
    def argument(self) -> str:
        """What `vcov=` is for this covariance, as it is written in Python."""
        if self.kind in SERIAL:
            return repr(self._serial_argument())
        if self.kind == CONLEY:
            return repr(self._conley_argument())
        if not self.clusters:
            return repr(self.kind)
        columns = self.clusters[0] if len(self.clusters) == 1 else list(self.clusters)
        kind = "" if self.kind == DEFAULT_CR else f", 'type': {self.kind!r}"
        return f"{{'cluster': {columns!r}{kind}}}"

    def _serial_argument(self) -> dict[str, Any]:
        """What `vcov=` is for a serial covariance."""
        lags: Any = self.choice if self.lags is None else self.lags
        if self.kind == DRISCOLL_KRAAY:
            return {"driscoll_kraay": self.clusters[0], "lags": lags}
        return {"hac": lags, **dict(zip(("time", "panel"), reversed(self.clusters), strict=False))}

    def _conley_argument(self) -> dict[str, Any]:
        """What `vcov=` is for a spatial covariance; what is not said is as it is by default."""
        kernel = {} if self.kernel == UNIFORM else {"kernel": self.kernel}
        distance = {} if self.distance == self.small_sample.distance else {"distance": self.distance}
        return {"conley": self.cutoff, **dict(zip(("lat", "lon"), self.clusters, strict=True)), **kernel, **distance}

    @property
    def estimator(self) -> Estimator:
        """The row of the table."""
        return ESTIMATORS[self.kind]

    @property
    def small_sample(self) -> SmallSample:
        """Its conventions for small samples."""
        return conventions(self.like)

    def factor(self, facts: ModelFacts, clusters: int = 0, fewest_clusters: int = 0) -> float:
        """Small-sample factor; NaN without residual degrees of freedom.

        clusters : number of clusters of this part. fewest_clusters : of the cluster column that has the fewest.
        """
        small_sample = self.small_sample
        return self.estimator.factor(small_sample, facts, clusters if small_sample.own_clusters else fewest_clusters)

    def degrees_of_freedom(self, facts: ModelFacts, fewest_clusters: int = 0) -> float:
        """Degrees of freedom of t and F; infinite for the normal distribution."""
        counted = bool(self.clusters) and self.estimator.counts_clusters
        return self.small_sample.degrees_of_freedom(facts, fewest_clusters if counted else None)

    def check_model(self, absorbed: Sequence[str], *, penalized: bool, is_glm: bool) -> None:
        """Raise OptionError where the model has no such covariance."""
        if penalized:
            raise OptionError(f"vcov='{self.name}' has no meaning for a penalised fit; leave vcov or the penalty out")
        self.estimator.check_model(self.like, absorbed, is_glm=is_glm)


def glm_vcov_spec(vcov: Any, like: str | None = None, information: str | None = None) -> VcovSpec | None:
    """The estimator that options of a generalized linear model ask for; None for "iid" by the expected information.

    information : "expected" or "observed"; by default that of `like`, else expected. Others as `vcov_spec`.
    """
    if information is not None:
        one_of("information", information, (EXPECTED, OBSERVED))
    spec = vcov_spec(vcov, like if vcov != IID or like != STATA else None)
    if spec is None:
        chosen = information or (conventions(like).information if like == STATA else EXPECTED)
        return VcovSpec(IID, (), like, chosen) if like is not None or chosen == OBSERVED else None
    spec.estimator.check_like(like, is_glm=True)
    if spec.estimator.pairwise and information == OBSERVED:
        raise OptionError(f"{spec.kind} is a jackknife and inverts no information; leave information out")
    default = EXPECTED if spec.estimator.pairwise else conventions(like).information
    return replace(spec, information=information or default)


def vcov_spec(vcov: Any, like: str | None = None) -> VcovSpec | None:
    """The estimator that an option asks for; None for "iid".

    Parameters
    ----------
    vcov : str or mapping
        "iid", a kind by row such as "HC3", or {"cluster": column or columns, "type": "CR1"}.
    like : str, optional
        Package whose conventions hold.

    Raises
    ------
    OptionError
        Any other value, or a combination that does not exist.
    """
    if like is not None and like not in LIKE:
        raise OptionError(f"like must be one of {_listed(LIKE)}, found {like!r}{did_you_mean(str(like), LIKE)}")
    if isinstance(vcov, VcovSpec):
        return vcov
    if isinstance(vcov, Mapping):
        return _by_columns(vcov, like)
    vcov = SAME.get(vcov, vcov) if isinstance(vcov, str) else vcov
    if vcov not in VCOV:
        raise OptionError(
            f"vcov must be one of {_listed(VCOV)}, or name clusters {EXAMPLE}; found {vcov!r}{_hint(str(vcov))}"
        )
    if vcov == IID and like not in (None, STATA):  # for a linear model Stata's are these
        raise OptionError("like says how a robust covariance is made; with vcov='iid' it has no meaning")
    return None if vcov == IID else VcovSpec(vcov, (), like)


def _by_columns(vcov: Mapping[str, Any], like: str | None) -> VcovSpec:
    """The estimator that a mapping asks for."""
    if "hac" in vcov or "driscoll_kraay" in vcov:
        return _serial(vcov, like)
    if "conley" in vcov:
        return _conley(vcov, like)
    for name, kind in CLUSTERED_NAMES.items():
        if name in vcov:
            columns = [c.strip() for c in str(vcov[name]).split("+")]
            return _clustered({**{k: v for k, v in vcov.items() if k != name}, "cluster": columns, "type": kind}, like)
    return _clustered(vcov, like)


def _serial(vcov: Mapping[str, Any], like: str | None) -> VcovSpec:
    """The serial estimator that a mapping asks for."""
    kraay = "driscoll_kraay" in vcov
    allowed = {"driscoll_kraay", "lags"} if kraay else {"hac", "time", "panel"}
    columns = (vcov.get("driscoll_kraay"),) if kraay else (vcov.get("panel"), vcov.get("time"))
    named = tuple(c for c in columns if c is not None)
    if not vcov.keys() <= allowed or not _is_names(named) or (columns[-1] is None and (kraay or named)):
        raise OptionError(f"vcov: {SERIAL_EXAMPLE}; found {dict(vcov)!r}")
    lags = vcov.get("lags", AUTO) if kraay else vcov["hac"]
    if lags not in CHOICES and (isinstance(lags, bool) or not isinstance(lags, int) or lags < 0):
        raise OptionError(
            f"the number of lags is a whole number that is not negative, 'auto' or 'andrews'; found {lags!r}"
        )
    if lags == ANDREWS and len(named) > 1:
        raise OptionError("'andrews' chooses the bandwidth of one series, not within panels: give the lags, or 'auto'")
    kind = DRISCOLL_KRAAY if kraay else NEWEY_WEST
    if lags in CHOICES:
        return VcovSpec(kind, named, like, choice=lags)
    return VcovSpec(kind, named, like, lags=lags)


def _conley(vcov: Mapping[str, Any], like: str | None) -> VcovSpec:
    """The spatial estimator that a mapping asks for."""
    columns, cutoff = tuple(vcov[name] for name in ("lat", "lon") if name in vcov), vcov["conley"]
    if len(columns) < 2 or not vcov.keys() <= {"conley", "lat", "lon", "kernel", "distance"} or not _is_names(columns):
        raise OptionError(f"vcov: {CONLEY_EXAMPLE}; found {dict(vcov)!r}")
    if columns[0] == columns[1]:
        raise OptionError(f"latitude and longitude must be different columns, found '{columns[0]}' for both")
    if isinstance(cutoff, bool) or not isinstance(cutoff, int | float) or not 0.0 < cutoff < math.inf:
        raise OptionError(f"'conley' is the cutoff in km, a number above 0; found {cutoff!r}")
    kernel, distance = vcov.get("kernel", UNIFORM), vcov.get("distance", conventions(like).distance)
    one_of("kernel", kernel, KERNELS)
    one_of("distance", distance, DISTANCES)
    spec = VcovSpec(CONLEY, columns, like, cutoff=float(cutoff), kernel=kernel, distance=distance)
    spec.estimator.check_like(like, is_glm=False)
    return spec


def _clustered(vcov: Mapping[str, Any], like: str | None) -> VcovSpec:
    """The clustered estimator that a mapping asks for."""
    if not {"cluster"} <= vcov.keys() <= {"cluster", "type"}:
        raise OptionError(f"vcov names its columns {EXAMPLE}, and may have a 'type'; found {dict(vcov)!r}")
    cluster, kind = vcov["cluster"], vcov.get("type", DEFAULT_CR)
    columns = (cluster,) if isinstance(cluster, str) else cluster
    if not _is_names(columns) or not 1 <= len(columns) <= MAX_CLUSTER_COLUMNS or len(set(columns)) < len(columns):
        raise OptionError(f"'cluster' must name one to {MAX_CLUSTER_COLUMNS} different columns, found {cluster!r}")
    if kind not in CR:
        raise OptionError(f"'type' must be one of {_listed(CR)}, found {kind!r}{did_you_mean(str(kind), CR)}")
    spec = VcovSpec(kind, tuple(columns), like)
    spec.estimator.check_columns(len(columns))
    spec.estimator.check_like(like, is_glm=False)
    return spec


def _hint(name: str) -> str:
    """What a name means that others use, else the most similar one of ours."""
    meaning = OTHER_NAMES.get(re.sub("[^a-z]", "", name.casefold()))
    return f"; {meaning}" if meaning else did_you_mean(name, VCOV)


def _is_names(columns: Any) -> bool:
    """Whether these are a sequence of names."""
    return isinstance(columns, Sequence) and all(isinstance(column, str) for column in columns)


def _listed(names: Any) -> str:
    """Names in quotes, for messages."""
    return ", ".join(repr(name) for name in names)
