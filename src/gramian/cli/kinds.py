"""What the commands do with each kind of saved fit: one row of a table for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

from gramian.batch import Source
from gramian.errors import OptionError
from gramian.fit.curve import predict as curve
from gramian.fit.curve.result import CurveFit
from gramian.fit.glm import predict as glm
from gramian.fit.glm.result import GlmFit
from gramian.fit.iv.result import IvFit
from gramian.fit.leastsquares import predict as leastsquares
from gramian.fit.linear.result import LinearFit
from gramian.fit.mixed import predict as mixed
from gramian.fit.mixed.result import MixedFit
from gramian.fit.panel.result import PanelFit
from gramian.fit.penalized.result import PenalizedFit
from gramian.fit.wide import predict as wide
from gramian.fit.wide.result import WideFit
from gramian.formula.design import Design
from gramian.formula.known_levels import with_unseen
from gramian.results.fitted_rows import UNKNOWN, FittedRows
from gramian.saved import Fit
from gramian.typing import Matrix

# of a fit, for rows, with --interval and --level
Predictions: TypeAlias = Callable[[Any, Source, str | None, float], Iterator[Matrix]]


def _aliased(fit: Any) -> dict[str, str]:
    """Coefficients, and how many of them are aliased."""
    aliased = f", {len(fit.aliased):,} of them aliased" if fit.aliased else ""
    return {"coefficients": f"{len(fit.names):,}{aliased}"}


def _penalized(fit: PenalizedFit) -> dict[str, str]:
    """Coefficients that are not zero, and the penalty."""
    return {
        "coefficients": f"{len(fit.names):,}, {len(fit.chosen):,} of them not zero",
        "penalty": f"{fit.options.kind}, alpha = {fit.alpha:.6g}",
    }


@dataclass(frozen=True, slots=True)
class FitKind:
    """A row of the table.

    Attributes
    ----------
    predictions : callable
        Predictions batch by batch, (1, n), or (3, n) with an interval.
    coefficients : callable
        What is said of the coefficients, by name.
    design : callable
        The design of the fit.
    on_scale : callable or None
        The same as `predictions`, on the scale that is asked for; None where a fit has one scale only.
    without_covariance : callable or None
        Names such a fit where it has no covariance, so that there are no intervals.
    """

    predictions: Predictions
    coefficients: Callable[[Any], dict[str, str]] = _aliased
    design: Callable[[Any], Design] = attrgetter("solved.design")
    on_scale: Callable[[str], Predictions] | None = None
    without_covariance: Callable[[Any], str] | None = None


def _glm_on_scale(scale: str) -> Predictions:
    return lambda fit, source, interval, level: glm.predictions(fit.solved, source, scale, interval, level)


def _leastsquares(fit: Any, source: Source, interval: str | None, level: float) -> Iterator[Matrix]:
    return leastsquares.predictions(fit.solved, source, interval, level)


KINDS: Mapping[type[Fit], FitKind] = {
    LinearFit: FitKind(_leastsquares),
    IvFit: FitKind(_leastsquares),
    GlmFit: FitKind(_glm_on_scale("response"), design=attrgetter("solved.linear.design"), on_scale=_glm_on_scale),
    MixedFit: FitKind(
        lambda fit, source, interval, level: mixed.any_predictions(
            fit.mixed, fit.fitted_rows, source, mixed.PredictionRequest(interval, level)
        ),
    ),
    PanelFit: FitKind(
        lambda fit, source, interval, level: leastsquares.predictions(fit.solved.structural, source),
        design=attrgetter("solved.structural.design"),
        without_covariance=lambda fit: "a prediction without effects of groups",
    ),
    CurveFit: FitKind(
        lambda fit, *options: curve.predictions(fit.solved, *options), design=attrgetter("solved.curve.design")
    ),
    PenalizedFit: FitKind(_leastsquares, _penalized, without_covariance=lambda fit: "a fit chosen by a penalty"),
    WideFit: FitKind(
        lambda fit, source, interval, level: wide.predictions(fit.solved, source),
        design=attrgetter("solved.design.narrow"),
        without_covariance=lambda fit: f"a fit by the {fit.solver} solver",
    ),
}


def rows_of(fit: Fit) -> FittedRows:
    """Where the rows of a fit are."""
    return UNKNOWN if isinstance(fit, PenalizedFit) else fit.fitted_rows


def predictions(
    fit: Fit, source: Source, scale: str | None, interval: str | None, level: float, unseen: str
) -> Iterator[Matrix]:
    """Predictions of each batch, (1, n), or (3, n) with an interval. unseen : as of `with_unseen`.

    Raises OptionError for a scale or an interval that the fit cannot have.
    """
    kind = KINDS[type(fit)]
    predicted = kind.predictions
    if scale is not None:
        if kind.on_scale is None:
            raise OptionError("--scale goes with a generalized linear fit; this one is linear")
        predicted = kind.on_scale(scale)
    if interval is not None and kind.without_covariance is not None:
        raise OptionError(f"--interval needs a covariance, which {kind.without_covariance(fit)} does not have")
    return predicted(fit, with_unseen(source, kind.design(fit), unseen), interval, level)
