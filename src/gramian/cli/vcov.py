"""The option --vcov: a covariance estimator in one word, and its help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gramian.errors import OptionError
from gramian.inference.estimators import CR, DEFAULT_CR, ESTIMATORS, HC

CLUSTER = "cluster:"


def _formulas(names: Sequence[str]) -> str:
    """Names of estimators with their formulas."""
    return ", ".join(f"{name} ({ESTIMATORS[name].formula})" for name in names)


HELP = (
    f"Make standard errors by iid; by row, with scores s and leverages h: {_formulas(HC)}; or by G clusters: "
    f"cluster:COLUMN ({DEFAULT_CR}), cluster:A,B, cluster:A:CR3, with sums of scores S and changes d of the "
    f"coefficients without a cluster: {_formulas(CR)}."
)


def vcov_text(vcov: dict[str, Any]) -> str:
    """The text of `--vcov` for clusters, which `parse_vcov` reads."""
    columns = vcov["cluster"]
    names = columns if isinstance(columns, str) else ",".join(columns)
    return f"{CLUSTER}{names}" + (f":{vcov['type']}" if "type" in vcov else "")


def parse_vcov(text: str) -> str | dict[str, Any]:
    """The argument `vcov` of a fit, from texts such as "HC3", "cluster:firm", "cluster:firm,year", "cluster:firm:CR3".

    Raises OptionError where a column has no name.
    """
    if text == CLUSTER.rstrip(":"):
        raise OptionError("--vcov cluster needs a column, as in --vcov cluster:firm")
    if not text.startswith(CLUSTER):
        return text
    columns, colon, kind = text.removeprefix(CLUSTER).rpartition(":")
    if not colon or kind not in CR:  # a column may have a colon in its name
        columns, kind = text.removeprefix(CLUSTER), DEFAULT_CR
    names = [name.strip() for name in columns.split(",")]
    if not all(names):
        raise OptionError(f"--vcov {text}: a column has no name; write --vcov cluster:firm,year")
    return {"cluster": names, "type": kind}
