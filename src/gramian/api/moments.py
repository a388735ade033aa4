"""A Gram of sums that another program made: `gramian.from_moments`."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from gramian.fit.gram.open import data_of_moments
from gramian.fit.gram.result import Gram


def from_moments(
    names: Sequence[str],
    products: ArrayLike,
    means: ArrayLike,
    rows: int,
    *,
    outcome: str | None = None,
    weight: float | None = None,
    error: float | None = None,
) -> Gram:
    """A Gram of means and products about the means that were summed elsewhere: in a database, by another program.

    Parameters
    ----------
    names : sequence of str
        Names of the columns, the outcome among them. Each is a numeric column of the Gram, whatever it stood for.
    products : array_like of shape (p, p)
        Sums over rows of w (x - mean of x) (z - mean of z), the outcome included.
    means : array_like of shape (p,)
        Means of the columns, weighted if the products are.
    rows : int
        Number of rows.
    outcome : str, optional
        The outcome of `formula`; by default the last column. A model may take any other.
    weight : float, optional
        Sum of the weights, by default `rows`. Of weighted rows the log-likelihood is not known.
    error : float, optional
        By what part of the lengths of both columns a product may be off; certified digits follow from it. By default
        rows * 2^-53, which bounds float64 sums of products about the means in any order. Sums about zero that were
        centred afterwards have a larger one: times 1 + mean^2 / variance.

    Returns
    -------
    Gram
        With all products and no factors; `names`, `matrix()`, `means` and `rows` of a Gram give the Gram back.

    Raises
    ------
    OptionError
        For shapes that do not fit, numbers that are not finite, and products that are not symmetric or not positive
        semidefinite up to their rounding.

    Examples
    --------
    >>> import gramian as gm
    >>> gram = gm.from_moments(["a", "y"], [[5.0, 9.5], [9.5, 18.75]], [2.5, 4.75], rows=4)
    >>> round(gram.ols()["a"], 12)
    1.9
    """
    return Gram(data_of_moments(names, products, means, rows, outcome=outcome, weight=weight, error=error))
