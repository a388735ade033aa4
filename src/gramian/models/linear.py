"""The linear model: rows as they are."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class Linear:
    """y = X b + e. The first step of the normal equations starts at b = 0, where the residual is y - offset."""

    def residual(self, y: Vector, offset: Vector | None) -> Vector:
        """Working residual at b = 0."""
        return y if offset is None else y - offset
