"""Codec of one point of a penalized path; the penalties of the other points are not saved."""

from __future__ import annotations

from typing import Any

from gramian.fit.leastsquares.save import solved
from gramian.serialize.codec import Codec, rule
from gramian.serialize.record import at, record


def penalized_fits(kind: type[Any]) -> Codec[Any]:
    """The codec of fits of this class, each a solution and the options by which it was penalized."""
    return record(
        kind,
        at("fit=solved", solved(covariance=False)),
        "l1_ratio=options.l1_ratio penalties=options.penalties",
        "standardize=options.standardize drop_first=options.drop_first",
        rule(lambda fit: fit.solved.alpha is not None, "a penalty", "solved.alpha"),
    )
