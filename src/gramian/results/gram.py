"""Gram: the sums of one pass, kept; every linear model of its columns comes from it, without the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike

from gramian import store
from gramian.fit import gram_sum
from gramian.fit.gathered import Gathered
from gramian.fit.gram import fit_linear
from gramian.fit.ledger import Read
from gramian.fit.options import COLLINEAR, Options, accurate, one_of, penalty
from gramian.linalg.exact.moments import ExactMoments
from gramian.results.linear import LinearFit
from gramian.results.plain_gram import from_gathered

KIND = "gram"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gram:
    """What one pass leaves: products of the columns of a formula, by name; from `gram`, or a sum of such.

    `+` and `-` add and take away rows: columns are aligned by name, levels united, inputs that are already there (or
    not there) refused; `gramian.add` and `gramian.subtract` can be forced.
    """

    gathered: Gathered

    @property
    def formula(self) -> str:
        """The formula whose terms are stored."""
        return self.gathered.design.formula

    @property
    def rows(self) -> int:
        """Rows that entered (the sum of counts)."""
        return self.gathered.moments.rows

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that a formula may name."""
        return self.gathered.schema.names

    @property
    def dropped_rows(self) -> Mapping[str, int]:
        """Rows left out by cause, each row once."""
        return {cause: n for cause, n in self.gathered.tally.causes.items() if n}

    @property
    def missing(self) -> Mapping[str, int]:
        """Rows left out because of a column; a row may count for several."""
        return {column: n for column, n in self.gathered.tally.columns.items() if n}

    @property
    def inputs(self) -> tuple[Read, ...]:
        """What has been read: files by path, data in memory by the digest of their sums."""
        return self.gathered.ledger.inputs

    @property
    def digest(self) -> str | None:
        """SHA-256 of exact sums, the same however they came about; None of float64 sums."""
        moments = self.gathered.moments
        return moments.digest if isinstance(moments, ExactMoments) else None

    @property
    def condition(self) -> float:
        """Estimated condition number of the scaled columns of the whole model."""
        return fit_linear(self.gathered, None, None, Options(digits=0.0)).condition

    def ols(
        self,
        formula: str | None = None,
        *,
        drop: str | Iterable[str] | None = None,
        digits: float = 8,
        collinear: str = "drop",
    ) -> LinearFit:
        """Ordinary (or weighted) least squares of any formula whose terms are stored; reads no rows.

        formula : such as "y ~ a + b"; the whole one when it is None. Any stored numeric column may be the outcome, a
        factor may have another reference level, a polynomial a lower degree. drop : terms to leave out of it.
        digits : certified digits wanted of every coefficient; an AccuracyWarning says so where there are fewer.
        Raises SchemaError where something is not stored, NumericalError where taking rows away has left no digits.

        >>> import gramian as gm
        >>> gram = gm.gram("y ~ a + b", {"a": [1, 2, 3, 4], "b": [0, 1, 1, 0], "y": [2, 4, 5, 8]})
        >>> round(gram.ols("y ~ a")["a"], 12)
        1.9
        """
        options = accurate(Options(collinear=one_of("collinear", collinear, COLLINEAR)), digits)
        return LinearFit(fit_linear(self.gathered, formula, drop, options))

    def ridge(
        self,
        alpha: float,
        formula: str | None = None,
        *,
        drop: str | Iterable[str] | None = None,
        digits: float = 8,
        drop_first: bool = False,
    ) -> LinearFit:
        """Ridge regression, as `gramian.ridge`; reads no rows."""
        options = accurate(Options(alpha=penalty(alpha), drop_first=drop_first), digits)
        return LinearFit(fit_linear(self.gathered, formula, drop, options))

    def __add__(self, other: object) -> Gram:
        return add(self, other) if isinstance(other, Gram) else NotImplemented

    def __radd__(self, other: object) -> Gram:
        """The sum of nothing and this: `sum` begins with 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: object) -> Gram:
        return subtract(self, other) if isinstance(other, Gram) else NotImplemented

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file that `gramian.load` reads. Raises ArtifactError where that is impossible."""
        store.save(path, KIND, *from_gathered(self.gathered))

    def __repr__(self) -> str:
        return f"Gram({self.formula!r}, rows={self.rows})"


def add(a: Gram, b: Gram, *, force: bool = False) -> Gram:
    """All rows of both: `a + b`, or with `force` also where an input is in both."""
    return Gram(gram_sum.added(a.gathered, b.gathered, force=force))


def subtract(a: Gram, b: Gram, *, force: bool = False) -> Gram:
    """The rows of `a` without those of `b`: `a - b`, or with `force` also where an input of `b` is not in `a`."""
    return Gram(gram_sum.subtracted(a.gathered, b.gathered, force=force))
