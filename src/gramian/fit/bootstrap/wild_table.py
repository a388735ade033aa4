"""The wild cluster bootstrap of every coefficient of a fit, from the same sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.fit.bootstrap.result import BootstrapTest
from gramian.results.tables import finite

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = "gramian.wild-bootstrap/1"


@dataclass(frozen=True, slots=True)
class WildTests:
    """Tests that single coefficients are 0.

    Attributes
    ----------
    names : tuple of str
        Of the coefficients.
    tests : tuple of BootstrapTest
        The tests, in the same order.
    seed : int or None
        Of the random numbers.
    """

    names: tuple[str, ...]
    tests: tuple[BootstrapTest, ...]
    seed: int | None

    def tidy(self) -> pa.Table:
        """A row for each coefficient: term, estimate, statistic, p_value, conf_low, conf_high."""
        numbers = ("estimate", "statistic", "p_value", "conf_low", "conf_high")
        columns = {name: pa.array([getattr(test, name) for test in self.tests], pa.float64()) for name in numbers}
        return pa.table({"term": pa.array(self.names, pa.string())} | columns)

    def to_dict(self) -> dict[str, Any]:
        """The tests as a dict that JSON can represent, of the schema `gramian.wild-bootstrap/1`."""
        one = self.tests[0]
        facts = {name: getattr(one, name) for name in ("draws", "clusters", "weights", "restricted", "level")}
        rows = [
            {k: finite(v) if isinstance(v, float) else v for k, v in row.items()} for row in self.tidy().to_pylist()
        ]
        return {"schema": SCHEMA, **facts, "seed": self.seed, "coefficients": rows}

    def render(self) -> list[RenderableType]:
        """Parts of a summary that rich's console can print."""
        from gramian.fit.bootstrap.report import render_wild  # rich takes a while to import

        return render_wild(self)
