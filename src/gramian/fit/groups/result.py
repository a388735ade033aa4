"""Fits: linear fits by group and model, the result of `by=` and of formulas that stand for several models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Unpack

import pyarrow as pa

from gramian.data.source import source_of
from gramian.errors import OptionError, did_you_mean, listing
from gramian.fit.bootstrap.keywords import DrawsKeywords
from gramian.fit.groups.fit import GroupedFits
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.accumulate_keyed import unwrap_key
from gramian.fit.passes.keys import ByColumns
from gramian.fit.passes.row_filter import Subset
from gramian.formula.coding import level_name
from gramian.formula.dropped_rows import DroppedRows
from gramian.keywords import completed, takes
from gramian.linalg.keyed.moments import Key
from gramian.results.dropped_rows import HasDroppedRows
from gramian.results.fitted_rows import UNKNOWN, FittedRows
from gramian.typing import Level

if TYPE_CHECKING:
    from gramian.engines.choice import Engine
    from gramian.fit.groups.adjusted import AdjustedTests
    from gramian.inference.vcov_spec import Vcov


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fits(HasDroppedRows, Mapping[Level | Key, LinearFit]):
    """Linear fits by key: the result of `gm.ols` and `gm.ridge` with `by=`, several outcomes, or sw() and the like.

    A read-only mapping. A key is the group's level, or with several columns the tuple of their levels; before it come
    the name of the outcome, the text of the right side and that of the absorbed factors, each where there are several.
    `key_names` names the parts of a key.

    Attributes
    ----------
    grouped : GroupedFits
        The numbers of all solutions, with dropped rows and groups without rows.
    fitted_rows : FittedRows
        Where the rows of all fits are.
    by : ByColumns or None
        Columns that make the groups.
    kind : type
        Of the fits: LinearFit, or GlmFit as the result of `gm.glm`.
    fits : mapping of key to LinearFit
        The fits: outcomes, right sides and absorbed factors in the order of the formula, then groups in that of their
        levels.

    Notes
    -----
    One pass accumulates the sums of every group separately. A group whose mean is far from that of the first rows is
    accumulated in a second pass with a shift of its own. Every fit has the rows that have all of its own columns: sums
    are kept for every pattern of missing values.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"g": ["a", "a", "a", "b", "b", "b"], "x": [0.0, 1, 2, 0, 1, 2], "y": [1.0, 3, 5, 4, 4, 7]}
    >>> fits = gm.ols("y ~ x", data, by="g")
    >>> {key: round(fit["x"], 3) for key, fit in fits.items()}
    {'a': 2.0, 'b': 1.5}
    """

    grouped: GroupedFits
    fitted_rows: FittedRows = UNKNOWN
    by: ByColumns | None = None
    kind: Callable[[Any, FittedRows], Any] = LinearFit
    fits: Mapping[Level | Key, LinearFit] = field(init=False)

    def __post_init__(self) -> None:
        fits = {unwrap_key(key): self.kind(s, self._rows_of(key)) for key, s in self.grouped.fits.items()}
        object.__setattr__(self, "fits", fits)

    def _rows_of(self, key: Key) -> FittedRows:
        """Where the rows of one fit are: those of its group."""
        source = self.fitted_rows.source
        if self.by is None or source is None:
            return self.fitted_rows
        own = None if key in self.grouped.whole else key[len(key) - len(self.by.names) :]
        return FittedRows(Subset(source, self.by, own))

    @property
    def _dropped(self) -> DroppedRows:
        return self.grouped.dropped_rows

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.grouped.formula

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the parts of a key: "outcome", "right_side", "absorbed" if there are several, then those of `by`."""
        return self.grouped.names

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes."""
        return self.grouped.outcomes

    @property
    def rows(self) -> int:
        """Number of rows that entered some fit; a row counts once. Those of one fit are `fits[key].rows`."""
        if self.grouped.rows is not None:
            return self.grouped.rows
        # a row of a Gram has all outcomes, so every outcome has the same rows
        return sum(fit.rows for fit in self.fits.values()) // len(self.outcomes)

    @property
    def without_rows(self) -> Mapping[Level | Key, Mapping[str, int]]:
        """Keys without a complete row, which have no fit: cause -> number of dropped rows."""
        return {unwrap_key(key): dict(dropped.causes) for key, dropped in self.grouped.empty.items()}

    def __getitem__(self, key: Level | Key) -> LinearFit:
        if key in self.fits:
            return self.fits[key]
        keys = [_format_key(k) for k in self.fits]
        parts = "(" + ", ".join(self.key_names) + ")" if len(self.key_names) > 1 else self.key_names[0]
        hint = did_you_mean(_format_key(key), keys)
        raise OptionError(f"no fit for {parts} = {_format_key(key)}{hint} (there are {listing(keys)})")

    def __contains__(self, key: object) -> bool:
        return key in self.fits

    def get(self, key: Level | Key, default: Any = None) -> Any:
        """The fit of a key, or `default` if there is none."""
        return self.fits.get(key, default)

    def __iter__(self) -> Iterator[Level | Key]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def with_vcov(
        self, vcov: Vcov, data: object = None, *, like: str | None = None, engine: Engine | str | None = None
    ) -> Fits:
        """The same fits with another covariance of their coefficients.

        Parameters
        ----------
        vcov : str, dict or VcovSpec
            The covariance, as in `gm.ols`.
        data : optional
            The rows of the fits, read in a pass for each of them; not needed for "iid". By default those that the fits
            were made of.
        like : str, optional
            Software whose small-sample conventions are used, as in `gm.ols`.
        engine : Engine or str, optional
            What reads the data.

        Raises
        ------
        OptionError
            As `with_vcov` of one fit, and where the rows cannot be read again.
        DataError
            Where the rows are not those of the fits.
        """
        from gramian.fit.groups.again import with_vcov

        located = self if data is None else replace(self, fitted_rows=FittedRows(source_of(data)))
        keyed_fits = dict(zip(self.grouped.fits, located.fits.values(), strict=True))
        solved = with_vcov(self.key_names, keyed_fits, vcov, like, engine)
        return replace(self, grouped=replace(self.grouped, fits=solved))

    def tidy(self, level: float = 0.95) -> pa.Table:
        """Coefficients of all fits in one table.

        Parameters
        ----------
        level : float
            Coverage of the confidence intervals.

        Returns
        -------
        pyarrow.Table
            One row for each coefficient: the parts of the key, then the columns of `LinearFit.tidy`.
        """
        from gramian.fit.groups.tables import tidy

        return tidy(self, level)

    def glance(self) -> pa.Table:
        """Statistics of all fits in one table: one row for each, the parts of the key as first columns."""
        from gramian.fit.groups.tables import glance

        return glance(self)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """All fits as a JSON object, schema `gramian.fits/1`; numbers that are not finite are None.

        level : coverage of the confidence intervals.
        """
        from gramian.fit.groups.tables import to_dict

        return to_dict(self, level)

    @takes(DrawsKeywords, draws=9999, weights="rademacher", restricted=True, level=0.95)
    def adjust(
        self, hypothesis: str, method: str = "holm", data: object = None, **options: Unpack[DrawsKeywords]
    ) -> AdjustedTests:
        """Test one hypothesis in all fits, with p-values and intervals that hold together.

        Parameters
        ----------
        hypothesis : str
            A coefficient, as in "x", or one equation, as in "x1 = 2*x2". Fits without these coefficients are left out.
        method : {"holm", "bonferroni", "sidak", "romano-wolf", "none"}, default "holm"
            The first three adjust the p-values of the covariances in force. "romano-wolf" steps down by the largest
            statistic of a wild cluster bootstrap with the same draws for all fits, so that it knows how they depend on
            each other.
        data : object, optional
            With "romano-wolf": the rows of the fits, or a `Gram` with sums by cluster, as in
            `LinearFit.wild_bootstrap`.
        cluster, draws, weights, seed, restricted, engine
            With "romano-wolf": as in `LinearFit.wild_bootstrap`.
        level : float, default 0.95
            Level of the intervals, which all hold together with this probability: those of Bonferroni for Holm's tests;
            with "romano-wolf" by the quantile of the largest statistic of a draw.

        Returns
        -------
        AdjustedTests

        Raises
        ------
        OptionError
            Where no fit has the coefficients, and as `LinearFit.wild_bootstrap`.
        DataError, NumericalError
            As `LinearFit.wild_bootstrap`.

        Notes
        -----
        P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing, Wiley 1993; J. P. Romano, M. Wolf, "Efficient
        computation of adjusted p-values for resampling-based stepdown multiple testing", Statistics and Probability
        Letters 113 (2016), whose p-values count one draw more.
        """
        from gramian.fit.bootstrap.wild import WildOptions
        from gramian.fit.groups.adjust import adjusted

        given = completed(type(self).adjust, options)
        settings = WildOptions(
            given["draws"], given["weights"], given["seed"], given["restricted"], level=given["level"]
        )
        return adjusted(self, hypothesis, method, settings, data, given["cluster"], given["engine"])

    def summary(self, level: float = 0.95) -> str:
        """The report of all fits as plain text. level : coverage of the confidence intervals."""
        from gramian.fit.groups.report import text  # rich takes a while to import

        return text(self, level)

    def __repr__(self) -> str:
        return f"Fits({self.formula!r}, by {', '.join(self.key_names)}: {len(self)} fits, rows={self.rows})"

    def _repr_html_(self) -> str:
        from gramian.fit.groups.report import render
        from gramian.results.html import to_html  # rich takes a while to import

        return to_html(render(self))


def _format_key(key: Level | Key) -> str:
    """A key as text for messages: "y1, a"."""
    return ", ".join(map(level_name, key)) if isinstance(key, tuple) else level_name(key)
