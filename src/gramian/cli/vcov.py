"""The option --vcov: a covariance estimator in one word."""

from __future__ import annotations

from typing import Any

from gramian.errors import OptionError

CLUSTER = "cluster:"
TYPES = ("CR0", "CR1", "CR3")


def parse_vcov(text: str) -> str | dict[str, Any]:
    """The argument `vcov` of a fit, from texts such as "HC3", "cluster:firm", "cluster:firm,year", "cluster:firm:CR3".

    Raises OptionError where a column has no name.
    """
    if text == CLUSTER.rstrip(":"):
        raise OptionError("--vcov cluster needs a column, as in --vcov cluster:firm")
    if not text.startswith(CLUSTER):
        return text
    columns, colon, kind = text.removeprefix(CLUSTER).rpartition(":")
    if not colon or kind not in TYPES:  # a column may have a colon in its name
        columns, kind = text.removeprefix(CLUSTER), "CR1"
    names = [name.strip() for name in columns.split(",")]
    if not all(names):
        raise OptionError(f"--vcov {text}: a column has no name; write --vcov cluster:firm,year")
    return {"cluster": names, "type": kind}
