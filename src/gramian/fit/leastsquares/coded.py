"""A design with the levels of some rows: the columns of its model, which fits with the same levels share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gramian.fit.leastsquares.outcome import check_combinations
from gramian.fit.passes.options import Options
from gramian.formula.coding import Levels, ModelColumn, empty_cells, levels_of, model_columns
from gramian.formula.coordinates import Parametrization, parametrize
from gramian.formula.design import Design
from gramian.linalg.moments import Moments


@dataclass(frozen=True, slots=True)
class CodedDesign:
    """What the normal equations have of a design and of levels, whatever the sums.

    Attributes
    ----------
    given : Design
        The design that was coded.
    design : Design
        The same, with the levels of its factors.
    response : str
        Name of the outcome.
    levels : Levels
        Levels of the factors, and combinations of levels that have rows.
    columns : tuple of ModelColumn
        The model's columns.
    names : tuple of str
        Their names.
    terms : tuple of int
        The term of each.
    parametrization : Parametrization
        The columns that are solved for, and their maps to stored and model columns.
    empty_cells : mapping of str to int
        Interaction -> number of combinations of levels that no row has.
    """

    given: Design
    design: Design
    response: str
    levels: Levels
    columns: tuple[ModelColumn, ...]
    names: tuple[str, ...]
    terms: tuple[int, ...]
    parametrization: Parametrization
    empty_cells: Mapping[str, int]

    def holds(self, design: Design, levels: Levels) -> bool:
        """Whether a design with other levels has the same columns: none is made of sums, and no level differs."""
        if design.terms.power_sums or design.terms.absorbed or design != self.given:
            return False
        return levels.names == self.levels.names and levels.cells == self.levels.cells


def coded(design: Design, moments: Moments, options: Options, like: CodedDesign | None = None) -> CodedDesign:
    """Code a design with the levels of some moments. like : that of another fit, which is shared where it is the same.

    Raises NumericalError where columns are formed with factors beyond float64, or a contrast compares empty cells.
    """
    levels = levels_of(moments, design.terms)
    if like is not None and like.holds(design, levels):
        return like
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=options.every_level)
    (response,) = design.outcome
    parametrization = parametrize(
        columns,
        levels,
        response,
        design.coordinates,
        as_written=options.alpha is not None,
        absorbed=design.terms.absorbed and design.terms.absorbed_intercepts,
    )
    names = tuple(c.name for c in columns)
    check_combinations(parametrization, names, response)
    own_levels = {name: moments.levels[name] for name in design.terms.factors}
    return CodedDesign(
        design,
        replace(design, levels=own_levels),
        response,
        levels,
        columns,
        names,
        tuple(c.term for c in columns),
        parametrization,
        empty_cells(design.terms, levels),
    )
