"""The linear model: its rows are the observations themselves."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class Linear:
    """y = X b + e. The normal equations start at b = 0, where the working residual is y - offset."""

    @property
    def name(self) -> str:
        """Name of the model in reports."""
        return "linear"

    def residual(self, y: Vector, offset: Vector | None) -> Vector:
        """Working residual at b = 0, (n,)."""
        return y if offset is None else y - offset
