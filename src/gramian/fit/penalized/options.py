"""What is penalised, and how much, as it is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, TypedDict

import numpy as np

from gramian.errors import OptionError, did_you_mean, listing
from gramian.formula.coding import Levels, ModelColumn, model_columns
from gramian.formula.design import Design
from gramian.linalg.moments import Moments
from gramian.typing import Vector

INTERCEPT = "Intercept"
KINDS = {0.0: "ridge", 1.0: "lasso"}


@dataclass(frozen=True, slots=True)
class PathOptions:
    """How to penalise.

    l1_ratio : 0 is ridge, 1 the lasso, between them the elastic net. alphas : falling, None for the knots of the lasso
    or a grid. penalties : term -> factor of its penalty, 1 where not named, 0 unpenalised. standardize : penalise the
    coefficients of standardised columns. drop_first : leave reference levels out, as R's contrasts do.
    """

    l1_ratio: float = 1.0
    alphas: tuple[float, ...] | None = None
    penalties: Mapping[str, float] = field(default_factory=dict)
    standardize: bool = False
    drop_first: bool = False

    @property
    def kind(self) -> str:
        """What such fits are called."""
        return KINDS.get(self.l1_ratio, "elastic net")

    @property
    def alpha_array(self) -> Vector | None:
        """The alphas as an array."""
        return None if self.alphas is None else np.array(self.alphas)


class PenaltyOptions(TypedDict, total=False):
    """Options of a penalty beside `l1_ratio`, as people give them."""

    alphas: Iterable[float] | None
    penalties: Mapping[str, float] | None
    standardize: bool
    drop_first: bool


def path_options(
    l1_ratio: float = 1.0,
    alphas: Iterable[float] | None = None,
    penalties: Mapping[str, float] | None = None,
    standardize: bool = False,
    drop_first: bool = False,
) -> PathOptions:
    """Options that were checked; alphas are sorted, the largest first. Raises OptionError."""
    ratio = _number("l1_ratio", l1_ratio)
    if ratio > 1.0:
        raise OptionError(f"l1_ratio must lie between 0 (ridge) and 1 (lasso), found {l1_ratio!r}")
    factors = {str(term): _number(f"penalties[{term!r}]", factor) for term, factor in (penalties or {}).items()}
    return PathOptions(ratio, None if alphas is None else _alphas(alphas, ratio), factors, standardize, drop_first)


def _alphas(alphas: Iterable[float], ratio: float) -> tuple[float, ...]:
    if isinstance(alphas, str) or not isinstance(alphas, Iterable):
        raise OptionError(f"alphas must be numbers in a list or an array, found {alphas!r}")
    values = sorted({_number("alphas", a) for a in alphas}, reverse=True)
    if not values:
        raise OptionError("alphas is empty; leave it out for the knots of the lasso, or a grid")
    if 0.0 < ratio < 1.0 and values[-1] == 0.0:
        raise OptionError("alphas must be above 0 for an elastic net; alpha 0 is least squares, see `ols`")
    return tuple(values)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= float(value) < math.inf:
        raise OptionError(f"{name} must be a number that is not negative, found {value!r}")
    return float(value)


def penalised_columns(
    design: Design, levels: Levels, moments: Moments, options: PathOptions
) -> tuple[tuple[ModelColumn, ...], Vector]:
    """The model's columns and the factor of the penalty of each, (p,); that of the constant is 0.

    Factors of penalised terms keep all their levels, so that the answer does not depend on a reference level;
    unpenalised terms, of which the span alone counts, and all of them under `drop_first`, leave theirs out.
    """
    factor = _by_term(design, options.penalties)
    columns = _coded(design, levels, moments, every_level=not options.drop_first)
    if not any(factor):
        raise OptionError("nothing is penalised: every term is unpenalised, or there is none; that is what `ols` fits")
    if any(f == 0 and term.factors for f, term in zip(factor, design.terms.terms, strict=True)):
        reduced = _coded(design, levels, moments, every_level=False)
        chosen = [c for c in columns if factor[c.term] > 0] + [c for c in reduced if factor[c.term] == 0]
        columns = tuple(sorted(chosen, key=lambda c: c.term))
    return columns, np.array([factor[c.term] for c in columns])


def _coded(design: Design, levels: Levels, moments: Moments, *, every_level: bool) -> tuple[ModelColumn, ...]:
    return model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=every_level)


def _by_term(design: Design, penalties: Mapping[str, float]) -> list[float]:
    labels = [term.label for term in design.terms.terms]
    for name in penalties:
        if name == INTERCEPT:
            raise OptionError("the intercept is never penalised; leave it out of penalties")
        if name not in labels:
            terms = listing(label for label in labels if label != INTERCEPT)
            raise OptionError(f"penalties: no term '{name}'{did_you_mean(name, labels)} (terms: {terms})")
    return [
        penalties.get(label, 1.0) if term.atoms else 0.0 for label, term in zip(labels, design.terms.terms, strict=True)
    ]
