"""Keyword arguments as the objects that the fits take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramian.data.source import source_of
from gramian.engines.choice import engine_of
from gramian.fit.passes.options import Options, checked_options
from gramian.fit.passes.runner import PassRunner
from gramian.keywords import DEFAULTS, IteratedKeywords, part_of


def runner_of(data: object, given: Mapping[str, Any]) -> PassRunner:
    """The rows, and what reads them."""
    return PassRunner(source_of(data), engine_of(given["engine"], data), given["progress"])


def options_of(given: Mapping[str, Any], alpha: float | None = None) -> Options:
    """How to fit; what a function does not take has its default.

    Parameters
    ----------
    given : mapping of str to object
        Keyword arguments.
    alpha : float, optional
        Ridge penalty.

    Raises
    ------
    OptionError
        Where a value has no meaning.
    """
    return checked_options({**DEFAULTS, **given}, alpha)


def iterated_of(given: Mapping[str, Any]) -> IteratedKeywords:
    """Those keyword arguments that only generalized linear models have."""
    return part_of(given, IteratedKeywords)
