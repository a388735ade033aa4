"""Keyword arguments of the public functions: each name, type and default is written here, once.

A function takes `**options: Unpack[OlsKeywords]`, from which type checkers and editors know the names and types. The
decorator `takes` shows them, with their defaults, to `help` and `inspect.signature`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, signature
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, TypeVar, cast, get_args

from gramian.errors import did_you_mean

if TYPE_CHECKING:  # numpy and pyarrow would come with them, and the command line shows its help without
    from gramian.engines.choice import Engine
    from gramian.engines.progress import Progress
    from gramian.inference.vcov_spec import Vcov
    from gramian.typing import Level

MissingRows: TypeAlias = Literal["drop", "raise"]
Collinear: TypeAlias = Literal["drop", "min-norm", "raise"]
Decimal: TypeAlias = Literal["float64", "exact"]
Like: TypeAlias = Literal["R", "statsmodels", "stata", "fixest"]
Information: TypeAlias = Literal["expected", "observed"]
Separation: TypeAlias = Literal["error", "drop"]
Unseen: TypeAlias = Literal["error", "null"]
GramSolver: TypeAlias = Literal["auto", "gram"]
IvEstimator: TypeAlias = Literal["2sls", "liml", "fuller", "gmm"]
PanelEstimator: TypeAlias = Literal["random", "mundlak", "between"]
WideSolver: TypeAlias = Literal["iterative", "dual"]
Columns: TypeAlias = str | Sequence[str]
Bounds: TypeAlias = Mapping[str, tuple[float | None, float | None]]
F = TypeVar("F", bound=Callable[..., Any])
ESTIMATORS: tuple[str, ...] = get_args(IvEstimator)
SEPARATIONS: tuple[str, ...] = get_args(Separation)
K = TypeVar("K", bound=Mapping[str, object])


class EngineKeywords(TypedDict, total=False):
    """Which rows are read, who reads them, and who is told of it."""

    where: str | None
    panel_id: tuple[str, str] | None
    engine: Engine | str | None
    progress: Progress | bool | None


class CheckpointKeywords(TypedDict, total=False):
    """What happens at an interrupt."""

    checkpoint: str | PathLike[str] | None


class RunKeywords(CheckpointKeywords, EngineKeywords, total=False):
    """How a fit runs."""

    skip_bad: bool


class RowKeywords(TypedDict, total=False):
    """Which rows enter, and with which weight."""

    weights: str | None
    na: MissingRows


class CountedKeywords(RowKeywords, total=False):
    """Which rows enter, with which weight, and how often."""

    counts: str | None


class CovarianceKeywords(TypedDict, total=False):
    """How standard errors are made."""

    vcov: Vcov
    like: Like | None


class DigitsKeywords(TypedDict, total=False):
    """How many digits are certified."""

    digits: float


class CollinearKeywords(TypedDict, total=False):
    """What happens to columns that depend on others."""

    collinear: Collinear


class ExactKeywords(TypedDict, total=False):
    """How sums are made."""

    exact: bool
    decimal: Decimal | None


class PenaltyKeywords(TypedDict, total=False):
    """How the factors of a penalized model are coded."""

    drop_first: bool


class SolverKeywords(TypedDict, total=False):
    """Which solver."""

    solver: GramSolver | WideSolver


class GroupKeywords(TypedDict, total=False):
    """Which groups have a fit, or sums, of their own."""

    by: Columns | None


class SplitKeywords(GroupKeywords, total=False):
    """Which groups have a fit of their own, by one column or more."""

    split: str | None
    fsplit: str | None


class LeastSquaresKeywords(
    CountedKeywords, CovarianceKeywords, DigitsKeywords, ExactKeywords, CollinearKeywords, total=False
):
    """Of a model by least squares, whatever reads the rows."""


class LinearKeywords(LeastSquaresKeywords, RunKeywords, total=False):
    """Of `ols`, but for those that decide what it returns."""


class OlsKeywords(SplitKeywords, SolverKeywords, LinearKeywords, total=False):
    """Of `ols`."""


class EstimatorKeywords(TypedDict, total=False):
    """Which estimator of a model with instruments."""

    estimator: IvEstimator
    fuller: float


class IvFitKeywords(
    CountedKeywords,
    CovarianceKeywords,
    DigitsKeywords,
    CollinearKeywords,
    EstimatorKeywords,
    RunKeywords,
    total=False,
):
    """Of `iv`, but for those that decide what it returns."""


class IvKeywords(SplitKeywords, IvFitKeywords, total=False):
    """Of `iv`."""


class FitsKeywords(SplitKeywords, LinearKeywords, total=False):
    """Of `fits`."""

    solver: GramSolver


class PenalizedKeywords(CountedKeywords, PenaltyKeywords, DigitsKeywords, RunKeywords, total=False):
    """Of `ridge`, but for those that decide what it returns."""


class RidgeKeywords(SplitKeywords, SolverKeywords, PenalizedKeywords, total=False):
    """Of `ridge`."""


class IteratedKeywords(TypedDict, total=False):
    """Of a generalized linear model, and of no linear one."""

    theta: float | None
    variance: str | None
    offset: str | None
    tolerance: float
    max_passes: int
    information: Information | None
    separation: Separation


class GlmFitKeywords(
    IteratedKeywords, CountedKeywords, CovarianceKeywords, PenaltyKeywords, CollinearKeywords, RunKeywords, total=False
):
    """Of `glm`, but for those that decide what it returns."""

    ridge: float | None


class GlmKeywords(SplitKeywords, GlmFitKeywords, total=False):
    """Of `glm`."""


class CurveKeywords(EngineKeywords, total=False):
    """Of `curve`."""

    bounds: Bounds | None
    weights: str | None
    tolerance: float
    max_passes: int
    vcov: Vcov


class MixedKeywords(CountedKeywords, CollinearKeywords, EngineKeywords, total=False):
    """Of `mixed`, but for the likelihood."""


class PanelKeywords(CollinearKeywords, EngineKeywords, total=False):
    """Of fits to panels, but for the covariance."""

    counts: str | None
    na: MissingRows


class RollingKeywords(CountedKeywords, DigitsKeywords, CollinearKeywords, EngineKeywords, total=False):
    """Of `rolling`, but for those that say which windows."""


class GramKeywords(GroupKeywords, CountedKeywords, ExactKeywords, CheckpointKeywords, EngineKeywords, total=False):
    """Of `gram`."""

    folds: int | None
    cluster: Columns | None


class FitAndGramKeywords(LeastSquaresKeywords, PenaltyKeywords, SolverKeywords, EngineKeywords, total=False):
    """Of a linear fit whose sums are kept."""

    alpha: float | None


class FamilyKeywords(TypedDict, total=False):
    """Which distribution and link."""

    family: str | None
    link: str | None


class PlanKeywords(FamilyKeywords, IteratedKeywords, SplitKeywords, EstimatorKeywords, FitAndGramKeywords, total=False):
    """Of `plan`: those of `ols`, `ridge`, `iv` and `glm`, but for those that say what happens at an interrupt."""

    panel: str | None
    estimator: IvEstimator | PanelEstimator  # type: ignore[misc]  # wider than that of instruments


class SubmodelKeywords(TypedDict, total=False):
    """Which model, and which rows, of those that a `Gram` has the sums of."""

    drop: str | Iterable[str] | None
    where: Level | tuple[Level, ...] | None


class StoredKeywords(CovarianceKeywords, DigitsKeywords, CollinearKeywords, total=False):
    """Of a fit by least squares to sums."""


class GramIvKeywords(StoredKeywords, EstimatorKeywords, total=False):
    """Of `Gram.iv`."""

    where: Level | tuple[Level, ...] | None


class GramOlsKeywords(SubmodelKeywords, StoredKeywords, total=False):
    """Of `Gram.ols`, but for the one that decides what it returns."""


class GramRidgeKeywords(SubmodelKeywords, DigitsKeywords, PenaltyKeywords, total=False):
    """Of `Gram.ridge`, but for the one that decides what it returns."""


class PenaltyScaleKeywords(PenaltyKeywords, total=False):
    """What a penalty is a penalty of."""

    penalties: Mapping[str, float] | None
    standardize: bool


class PathKeywords(PenaltyScaleKeywords, total=False):
    """Of a path of penalties."""

    alphas: Iterable[float] | None


class GramPathKeywords(SubmodelKeywords, PathKeywords, total=False):
    """Of `Gram.path`."""


class GramValidationKeywords(PenaltyScaleKeywords, total=False):
    """Of `Gram.cross_validate`."""

    drop: str | Iterable[str] | None


class AllKeywords(  # type: ignore[misc]  # a plan has estimators of panels, too
    PlanKeywords, IvKeywords, GlmKeywords, RunKeywords, GramKeywords, PathKeywords, total=False
):
    """All of them, but for those of a Gram's models."""


DEFAULTS: AllKeywords = {  # of all others it is None
    "na": "drop",
    "collinear": "drop",
    "vcov": "iid",
    "digits": 8,
    "exact": False,
    "drop_first": False,
    "standardize": False,
    "solver": "auto",
    "estimator": "2sls",
    "fuller": 1.0,
    "skip_bad": False,
    "tolerance": 1e-8,
    "max_passes": 25,
    "separation": "error",
}


def names_of(keywords: type, *, without: type | None = None) -> tuple[str, ...]:
    """Names of keyword arguments, without those of another TypedDict."""
    left_out = () if without is None else without.__annotations__
    return tuple(name for name in keywords.__annotations__ if name not in left_out)


def part_of(given: Mapping[str, Any], keywords: type[K]) -> K:
    """Those keyword arguments of a call that belong to a TypedDict of this module."""
    return cast(K, {name: given[name] for name in names_of(keywords)})


def takes(keywords: type, **defaults: object) -> Callable[[F], F]:
    """Show keyword arguments in the signature of a function, in place of its `**options`.

    Parameters
    ----------
    keywords : type
        A TypedDict of this module.
    **defaults
        Those that differ from `DEFAULTS`.
    """
    values = {**DEFAULTS, **defaults}

    def decorate(function: F) -> F:
        written = signature(function)
        kept = [p for p in written.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
        taken = [Parameter(name, Parameter.KEYWORD_ONLY, default=values.get(name)) for name in names_of(keywords)]
        function.__signature__ = written.replace(parameters=[*kept, *taken])  # type: ignore[attr-defined]
        return function

    return decorate


def completed(function: Callable[..., object], given: K) -> K:
    """The keyword arguments of a call, with the defaults of those that were not given.

    Raises
    ------
    TypeError
        Where the function takes no argument of this name.
    """
    parameters = signature(function).parameters
    for name in given:
        if name not in parameters:
            hint = did_you_mean(name, parameters)
            raise TypeError(f"{function.__qualname__}() got an unexpected keyword argument '{name}'{hint}")
    defaults = {name: p.default for name, p in parameters.items() if p.kind is Parameter.KEYWORD_ONLY}
    return cast(K, {**defaults, **given})
