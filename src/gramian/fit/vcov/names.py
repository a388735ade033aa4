"""Covariances that are named without their columns, as in fixest: what the formula and the data say completes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from gramian.errors import OptionError
from gramian.schema import Schema

BY_FACTORS = {
    "cluster": 1,
    "twoway": 2,
    "threeway": 3,
    "fourway": 4,
}  # name -> how many absorbed factors it clusters by
NEWEY_WEST, DRISCOLL_KRAAY = ("NW", "newey_west"), ("DK", "driscoll_kraay")
LATITUDE = re.compile(r"lat(itude)?", re.IGNORECASE), re.compile(r"lat_.+", re.IGNORECASE)
LONGITUDE = re.compile(r"lon|lng|long|longitude", re.IGNORECASE), re.compile(r"(lon|lng|long)_.+", re.IGNORECASE)
PANEL_ID = "name the columns of panels and times, panel_id=('firm', 't')"


@dataclass(frozen=True, slots=True)
class Names:
    """What a covariance may refer to without naming it.

    Attributes
    ----------
    columns : sequence of str
        Of the data.
    absorbed : tuple of str
        The absorbed factors in the order of the formula.
    panel_id : tuple of str and str, or None
        Columns of panels and of times.
    """

    columns: Sequence[str]
    absorbed: tuple[str, ...] = ()
    panel_id: tuple[str, str] | None = None


def completed_vcov(vcov: Any, names: Callable[[], Names]) -> Any:
    """The option `vcov=` with its columns. names : called where columns are missing. Raises OptionError."""
    if isinstance(vcov, str):
        complete = _BY_NAME.get(vcov)
        return vcov if complete is None else complete(vcov, names())
    if not isinstance(vcov, Mapping):
        return vcov
    vcov = {_KEYS.get(key, key): value for key, value in vcov.items()}
    if "conley" in vcov and not ("lat" in vcov and "lon" in vcov):
        columns = names().columns
        found = {"lat": _coordinate("latitude", LATITUDE, columns, vcov.get("lat"))}
        found["lon"] = _coordinate("longitude", LONGITUDE, columns, vcov.get("lon"))
        return {**vcov, **found}
    return vcov


def vcov_of_data(vcov: Any, schema: Schema) -> Any:
    """The option `vcov=` of a model without absorbed factors, with columns of the data where it names none."""
    return completed_vcov(vcov, lambda: Names(schema.names, (), schema.panel))


def in_all(sets: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The absorbed factors with which all models of a formula begin."""
    together = zip(*sets, strict=False)
    return tuple(same[0] for same in takewhile(lambda factors: len(set(factors)) == 1, together))


def _by_factors(vcov: str, names: Names) -> dict[str, Any]:
    """Clusters by the first absorbed factors."""
    count = BY_FACTORS[vcov]
    if len(names.absorbed) < count:
        has = " and ".join(names.absorbed) or "none"
        raise OptionError(
            f"vcov='{vcov}' clusters by the first {_factors(count)}, and this formula has {has}: name "
            f"clusters as in vcov={{'cluster': {'firm' if count == 1 else ['firm', 'year']!r}}}"
        )
    columns = list(names.absorbed[:count])
    if unknown := [c for c in columns if c not in names.columns]:
        raise OptionError(f"vcov='{vcov}': {unknown[0]} is no column, and clusters are by columns: name them")
    return {"cluster": columns}


def _factors(count: int) -> str:
    """So many absorbed factors, in words."""
    return "absorbed factor" if count == 1 else f"{count} absorbed factors"


def _newey_west(vcov: str, names: Names) -> dict[str, Any]:
    """Newey and West's within the panels of `panel_id`, with automatic lags."""
    panel, time = _panel_id(vcov, names)
    return {"hac": "auto", "time": time, "panel": panel}


def _driscoll_kraay(vcov: str, names: Names) -> dict[str, Any]:
    """Driscoll and Kraay's by the times of `panel_id`, with automatic lags."""
    return {"driscoll_kraay": _panel_id(vcov, names)[1], "lags": "auto"}


def _panel_id(vcov: str, names: Names) -> tuple[str, str]:
    """Columns of panels and times. Raises OptionError where they are not named."""
    if names.panel_id is None:
        example = "{'hac': 4, 'time': 't'}" if vcov in NEWEY_WEST else "{'driscoll_kraay': 't', 'lags': 4}"
        raise OptionError(f"vcov='{vcov}' needs a column of times: {PANEL_ID}, or write vcov={example}")
    return names.panel_id


def _coordinate(what: str, patterns: Sequence[re.Pattern[str]], columns: Sequence[str], given: Any) -> Any:
    """The column that is given, else the one whose name says that it is a latitude or longitude."""
    if given is not None:
        return given
    for pattern in patterns:
        found = [c for c in columns if pattern.fullmatch(c)]
        if len(found) == 1:
            return found[0]
        if found:
            raise OptionError(f"which column is the {what}, {' or '.join(map(repr, found))}? Name it {_EXAMPLE}")
    raise OptionError(f"no column is named like a {what}: name it {_EXAMPLE}")


_EXAMPLE = "as in vcov={'conley': 100, 'lat': 'lat', 'lon': 'lon'}"
_KEYS = {"NW": "hac", "DK": "driscoll_kraay", "Conley": "conley"}
_BY_NAME: Mapping[str, Callable[[str, Names], dict[str, Any]]] = {
    **dict.fromkeys(BY_FACTORS, _by_factors),
    **dict.fromkeys(NEWEY_WEST, _newey_west),
    **dict.fromkeys(DRISCOLL_KRAAY, _driscoll_kraay),
}
