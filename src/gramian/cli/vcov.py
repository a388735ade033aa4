"""The option --vcov: a covariance estimator in one word, and its help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gramian.errors import OptionError
from gramian.inference.estimators import CONLEY, CR, DEFAULT_CR, ESTIMATORS, HC, SERIAL

CLUSTER = "cluster:"
KERNELS, CHOICES = ("uniform", "bartlett"), ("auto", "andrews")


def _formulas(names: Sequence[str]) -> str:
    """Names of estimators with their formulas."""
    return ", ".join(f"{name} ({ESTIMATORS[name].formula})" for name in names)


HELP = (
    f"Make standard errors by iid; by row, with scores s and leverages h: {_formulas(HC)}; or by G clusters: "
    f"cluster:COLUMN ({DEFAULT_CR}), cluster:A,B, cluster:A:CR3, with sums of scores S and changes d of the "
    f"coefficients without a cluster: {_formulas(CR)}; or hac:LAGS[:TIME[:PANEL]] and "
    f"dk:TIME:LAGS, with scores at times t and lags l to L: {_formulas(SERIAL)}; or conley:KM[:LAT:LON][:bartlett], "
    f"with sums of scores at places within so many kilometres: {_formulas((CONLEY,))}."
)


def vcov_text(vcov: dict[str, Any]) -> str:
    """The text of `--vcov` for columns, which `parse_vcov` reads."""
    if "hac" in vcov:
        return ":".join(["hac", str(vcov["hac"]), *(vcov[name] for name in ("time", "panel") if name in vcov)])
    if "driscoll_kraay" in vcov:
        return f"dk:{vcov['driscoll_kraay']}:{vcov['lags']}"
    if "conley" in vcov:
        places = [vcov[name] for name in ("lat", "lon") if name in vcov]
        return ":".join(["conley", f"{vcov['conley']:.17g}", *places, *([vcov["kernel"]] if "kernel" in vcov else [])])
    columns = vcov["cluster"]
    names = columns if isinstance(columns, str) else ",".join(columns)
    return f"{CLUSTER}{names}" + (f":{vcov['type']}" if "type" in vcov else "")


def _serial(text: str, parts: list[str]) -> dict[str, Any]:
    """The argument for "hac:4", "hac:4:time", "hac:4:time:panel" and "dk:time:4"."""
    is_hac = parts[0] == "hac"
    lags, columns = (parts[1:2], parts[2:]) if is_hac else (parts[2:3], [*parts[1:2], *parts[3:]])
    valid = len(lags) == 1 and (lags[0] in CHOICES or lags[0].isdigit())
    if not valid or not all(columns) or len(columns) > (2 if is_hac else 1):
        raise OptionError(f"--vcov {text}: write hac:LAGS, hac:LAGS:TIME, hac:LAGS:TIME:PANEL or dk:TIME:LAGS")
    number: Any = lags[0] if lags[0] in CHOICES else int(lags[0])
    if is_hac:
        return {"hac": number, **dict(zip(("time", "panel"), columns, strict=False))}
    return {"driscoll_kraay": columns[0], "lags": number}


def _conley(text: str, parts: list[str]) -> dict[str, Any]:
    """The argument for "conley:100", "conley:100:lat:lon" and either with ":bartlett" or ":uniform" at the end."""
    columns = parts[2:]
    kernel = {"kernel": columns.pop()} if len(columns) % 2 and columns[-1] in KERNELS else {}
    try:
        cutoff = float(parts[1]) if len(parts) > 1 else None
    except ValueError:
        cutoff = None
    if cutoff is None or len(columns) not in (0, 2) or not all(columns):
        raise OptionError(f"--vcov {text}: write conley:KM or conley:KM:LAT:LON, and perhaps :bartlett at the end")
    return {"conley": cutoff, **dict(zip(("lat", "lon"), columns, strict=False)), **kernel}


def parse_vcov(text: str) -> str | dict[str, Any]:
    """The argument `vcov` of a fit, from texts such as "HC3", "cluster:firm", "cluster:firm,year", "cluster:firm:CR3".

    Raises OptionError where a column has no name.
    """
    if text == CLUSTER.rstrip(":"):
        raise OptionError("--vcov cluster needs a column, as in --vcov cluster:firm")
    if (parts := text.split(":"))[0] in ("hac", "dk"):
        return _serial(text, parts)
    if parts[0] == "conley":
        return _conley(text, parts)
    if parts[0] in CR and parts[1:]:
        raise OptionError(f"--vcov {text}: write --vcov {CLUSTER}{':'.join(parts[1:])}:{parts[0]}")
    if not text.startswith(CLUSTER):
        return text
    columns, colon, kind = text.removeprefix(CLUSTER).rpartition(":")
    if not colon or kind not in CR:  # a column may have a colon in its name
        columns, kind = text.removeprefix(CLUSTER), DEFAULT_CR
    names = [name.strip() for name in columns.split(",")]
    if not all(names):
        raise OptionError(f"--vcov {text}: a column has no name; write --vcov cluster:firm,year")
    return {"cluster": names, "type": kind}
