"""Values that R has written: figures by case, and the data that they are of."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from pyarrow import csv as arrow_csv

FOLDER = Path(__file__).parent / "r"
TEXTS = ("formula", "data", "weights")
EPS = float(np.finfo(np.float64).eps)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """What R found: numbers by figure, names by figure, and what was fitted."""

    name: str
    figures: Mapping[str, str]

    def __contains__(self, figure: str) -> bool:
        return figure in self.figures

    def numbers(self, figure: str) -> Array:
        return np.array([float(v) if v != "NA" else np.nan for v in self.figures[figure].split()])

    def number(self, figure: str) -> float:
        (value,) = self.numbers(figure)
        return float(value)

    def texts(self, figure: str) -> list[str]:
        return self.figures[figure].split("|")

    @property
    def formula(self) -> str:
        return self.figures["formula"]

    @property
    def data(self) -> pa.Table:
        return data(self.figures["data"])

    @property
    def weights(self) -> str | None:
        return self.figures.get("weights")


@cache
def cases(subject: str) -> dict[str, Case]:
    """The cases of a subject by name."""
    found: dict[str, dict[str, str]] = {}
    with (FOLDER / "values" / f"{subject}.csv").open(newline="") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        assert next(rows) == ["case", "figure", "values"]
        for case, figure, values in rows:
            assert figure not in found.setdefault(case, {}), f"{case}: {figure} twice"
            found[case][figure] = values
    return {name: Case(name, figures) for name, figures in found.items()}


@cache
def data(name: str) -> pa.Table:
    """A data set, null where R has NA."""
    convert = arrow_csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    return arrow_csv.read_csv(FOLDER / "data" / f"{name}.csv", convert_options=convert)


def as_r(names: tuple[str, ...]) -> list[str]:
    """Names of coefficients in R's words."""
    names = tuple(n.replace("raw=TRUE", "raw = TRUE") for n in names)
    return [n.replace("Intercept", "(Intercept)").replace("[", "").replace("]", "") for n in names]


def close(found: ArrayLike, known: ArrayLike, rtol: ArrayLike, scale: ArrayLike = 0.0) -> None:
    """Errors below rtol times the larger of what is known and a scale, NaN in the same places."""
    found, known = np.asarray(found, dtype=float), np.asarray(known, dtype=float)
    assert found.shape == known.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(known))
    size = np.fmax(np.abs(known), scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.where(found == known, 0.0, np.abs(found - known) / size)
    bad = errors > rtol
    assert not bad.any(), f"off by {errors[bad]} where {np.broadcast_to(rtol, bad.shape)[bad]} is allowed"
