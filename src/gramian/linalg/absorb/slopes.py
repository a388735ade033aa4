"""Variables whose slope differs by the level of an absorbed factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gramian.linalg.monomials import CONSTANT, Monomial


@dataclass(frozen=True, slots=True)
class Slopes:
    """The variables of one absorbed factor.

    Attributes
    ----------
    variables : tuple of str
        Labels of the variables.
    intercept : bool
        Whether each level has an intercept, too: as in `firm[x]`, and not in `firm[[x]]`.
    """

    variables: tuple[str, ...]
    intercept: bool = True

    def __len__(self) -> int:
        """Number of functions of each level: its intercept and slopes."""
        return len(self.variables) + self.intercept

    @property
    def monomials(self) -> tuple[Monomial, ...]:
        """The constant and the variables in their coordinates, J in all: what functions of a level are made of."""
        return (CONSTANT, *(((v, 1),) for v in self.variables))


NO_SLOPES: Mapping[str, Slopes] = MappingProxyType({})
