"""Sums and differences of Grams: `gramian.add` and `gramian.subtract`."""

from __future__ import annotations

from gramian.errors import OptionError
from gramian.fit.gram.arithmetic import add_grams, subtract_grams
from gramian.fit.gram.drift import GramDifference, difference
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


def compare_grams(a: Gram, b: Gram, formula: str | None = None) -> GramDifference:
    """Whether the rows of two Grams follow the same regression: what has changed since the sums of before.

    Parameters
    ----------
    a, b : Gram
        Grams of the same terms, of different rows.
    formula : str, optional
        A model of stored terms; by default that of the Grams.

    Returns
    -------
    GramDifference
        Chow's test, and a table each of means and of coefficients with their differences.

    Raises
    ------
    SchemaError
        If they do not store the same sums.
    DataError
        If an input is in both.
    OptionError
        For several outcomes.
    NumericalError
        If the rows are too few.

    Examples
    --------
    >>> import gramian as gm
    >>> old = gm.gram("y ~ x", {"x": [1, 2, 3, 4, 5], "y": [2.1, 3.9, 6.2, 7.8, 10.1]})
    >>> new = gm.gram("y ~ x", {"x": [1, 2, 3, 4, 5], "y": [1.2, 1.9, 3.1, 4.2, 4.9]})
    >>> round(gm.compare_grams(old, new).chow.statistic, 3)
    427.989
    """
    _check_grams(a, b)
    return difference(a.gram_data, b.gram_data, formula)


def _check_grams(a: object, b: object) -> None:
    """Raise OptionError for arguments that are no Grams."""
    for value in (a, b):
        if not isinstance(value, Gram):
            raise OptionError(f"expected two Grams, found {type(value).__name__}; gm.load(path) reads one")
