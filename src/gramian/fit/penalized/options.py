"""Options of penalised fits, checked, and the columns that they penalise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from gramian.errors import OptionError, did_you_mean, listing
from gramian.formula.coding import Levels, ModelColumn, model_columns
from gramian.formula.design import Design
from gramian.linalg.moments import Moments
from gramian.typing import NotNegative, Share, Vector

INTERCEPT = "Intercept"
KINDS = {0.0: "ridge", 1.0: "lasso"}


@dataclass(frozen=True, slots=True)
class PathOptions:
    """How to penalise.

    Attributes
    ----------
    l1_ratio : float
        0 is ridge, 1 the lasso, between them the elastic net.
    alphas : tuple of float, or None
        Penalties, falling; None for the knots of the lasso, or a grid.
    penalties : mapping of str to float
        Term -> factor of its penalty; 1 where not named, 0 for no penalty.
    standardize : bool
        Whether the coefficients of standardised columns are penalised.
    drop_first : bool
        Whether reference levels are left out, as by R's treatment contrasts.
    """

    l1_ratio: Share = 1.0
    alphas: tuple[float, ...] | None = None
    penalties: Mapping[str, NotNegative] = field(default_factory=dict)
    standardize: bool = False
    drop_first: bool = False

    @property
    def kind(self) -> str:
        """Name of such fits: "ridge", "lasso" or "elastic net"."""
        return KINDS.get(self.l1_ratio, "elastic net")

    @property
    def alpha_array(self) -> Vector | None:
        """The penalties as an array, (n,)."""
        return None if self.alphas is None else np.array(self.alphas)


def path_options(
    l1_ratio: float = 1.0,
    alphas: Iterable[float] | None = None,
    penalties: Mapping[str, float] | None = None,
    standardize: bool = False,
    drop_first: bool = False,
) -> PathOptions:
    """Options from the arguments of `Gram.path`; penalties sorted, the largest first. Raises OptionError."""
    ratio = _number("l1_ratio", l1_ratio)
    if ratio > 1.0:
        raise OptionError(f"l1_ratio must lie between 0 (ridge) and 1 (lasso), found {l1_ratio!r}")
    factors = {str(term): _number(f"penalties[{term!r}]", factor) for term, factor in (penalties or {}).items()}
    return PathOptions(ratio, None if alphas is None else _alphas(alphas, ratio), factors, standardize, drop_first)


def _alphas(alphas: Iterable[float], ratio: float) -> tuple[float, ...]:
    """The penalties, distinct and falling; OptionError where they do not suit the l1_ratio."""
    if isinstance(alphas, str) or not isinstance(alphas, Iterable):
        raise OptionError(f"alphas must be numbers in a list or an array, found {alphas!r}")
    values = sorted({_number("alphas", a) for a in alphas}, reverse=True)
    if not values:
        raise OptionError("alphas is empty; leave it out for the knots of the lasso, or a grid")
    # without a penalty coordinate descent may converge arbitrarily slowly; ridge and lasso solve directly
    if 0.0 < ratio < 1.0 and values[-1] == 0.0:
        raise OptionError("alphas must be above 0 for an elastic net; alpha 0 is least squares, see `ols`")
    return tuple(values)


def _number(name: str, value: Any) -> float:
    """A finite number that is not negative; OptionError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= float(value) < math.inf:
        raise OptionError(f"{name} must be a number that is not negative, found {value!r}")
    return float(value)


def penalised_columns(
    design: Design, levels: Levels, moments: Moments, options: PathOptions
) -> tuple[tuple[ModelColumn, ...], Vector]:
    """The model's columns, and the factor of the penalty of each, (p,); 0 for the constant.

    Factors of penalised terms have a column for every level, so that the result does not depend on a reference level.
    Unpenalised terms, of which only the span counts, lack the reference level, and so do all terms under `drop_first`.
    """
    factor = _by_term(design, options.penalties)
    columns = _coded(design, levels, moments, every_level=not options.drop_first)
    if not any(factor):
        raise OptionError("nothing is penalised: every term is unpenalised, or there is none; that is what `ols` fits")
    # with a column for each level, unpenalised columns of a factor would depend on the constant and not be identified
    if any(f == 0 and term.factors for f, term in zip(factor, design.terms.terms, strict=True)):
        reduced = _coded(design, levels, moments, every_level=False)
        chosen = [c for c in columns if factor[c.term] > 0] + [c for c in reduced if factor[c.term] == 0]
        columns = tuple(sorted(chosen, key=lambda c: c.term))
    return columns, np.array([factor[c.term] for c in columns])


def _coded(design: Design, levels: Levels, moments: Moments, *, every_level: bool) -> tuple[ModelColumn, ...]:
    """The model's columns, with or without those of reference levels."""
    return model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=every_level)


def _by_term(design: Design, penalties: Mapping[str, float]) -> list[float]:
    """Factor of the penalty of each term; OptionError for a term that is not in the formula."""
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
