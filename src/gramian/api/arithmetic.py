"""Sums and differences of Grams: `gramian.add` and `gramian.subtract`."""

from __future__ import annotations

from gramian.errors import OptionError
from gramian.fit.gram.arithmetic import add_grams, subtract_grams
from gramian.fit.gram.result import Gram


def add(a: Gram, b: Gram, *, force: bool = False) -> Gram:
    """The Gram of all rows of two Grams, as `a + b`.

    Parameters
    ----------
    a, b : Gram
        Grams of the same terms, outcome, weights and offsets.
    force : bool
        Whether to add an input that is in both.

    Raises
    ------
    SchemaError
        If they do not store the same sums.
    DataError
        If an input is in both, unless forced.
    """
    _check_grams(a, b)
    return Gram(add_grams(a.gram_data, b.gram_data, force=force))


def subtract(a: Gram, b: Gram, *, force: bool = False) -> Gram:
    """The Gram of the rows of `a` without those of `b`, as `a - b`.

    Parameters
    ----------
    a, b : Gram
        Grams of the same terms, outcome, weights and offsets.
    force : bool
        Whether to subtract an input that is not in `a`.

    Raises
    ------
    SchemaError
        If they do not store the same sums.
    DataError
        If an input of `b` is not in `a`, unless forced.
    NumericalError
        If `a` has fewer rows of a level, group or cluster than `b`.
    """
    _check_grams(a, b)
    return Gram(subtract_grams(a.gram_data, b.gram_data, force=force))


def _check_grams(a: object, b: object) -> None:
    """Raise OptionError for arguments that are no Grams."""
    for value in (a, b):
        if not isinstance(value, Gram):
            raise OptionError(f"expected two Grams, found {type(value).__name__}; gm.load(path) reads one")
