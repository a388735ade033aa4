"""The sums of instruments, regressors and outcome together, in the columns that the models solve for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from gramian.fit.iv.designs import IvDesigns
from gramian.fit.leastsquares.absorbed import partial_out
from gramian.fit.leastsquares.centred_rows import ROUNDINGS, CentredMoments
from gramian.fit.leastsquares.centred_within import partialled_out_again, with_centred
from gramian.fit.leastsquares.system import System, products_in, squares_in, system_of
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.options import Options
from gramian.fit.passes.part_of_sums import part_of_sums
from gramian.formula.coding import highest_degree
from gramian.formula.coordinates import Combination, Parametrization
from gramian.formula.design import Design, coded
from gramian.linalg import maps
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import EPS, sum_rounding_error, underflow_error
from gramian.linalg.products import ColumnGroup, gram_matrix, without_last
from gramian.linalg.solve import centre
from gramian.linalg.two_stage import FirstStage, first_stage
from gramian.typing import Codes, Matrix


@dataclass(frozen=True, slots=True)
class IvSystem:
    """The normal equations of both stages.

    Attributes
    ----------
    design : Design
        The structural model, in the coordinates of the sums.
    sums : Accumulated
        Its sums.
    system : System
        Its normal equations by least squares.
    instruments : System
        Those of the outcome on all instruments.
    parametrization : Parametrization
        The columns that are solved for in both, the instruments first, then the regressors and the outcome.
    stage : FirstStage
        The projection on the instruments.
    order : ndarray of int
        Columns of the instruments that `stage` has, the exogenous ones first.
    places : ndarray of int
        Columns of the structural model that `stage` has: all but the constant.
    """

    design: Design
    sums: Accumulated
    system: System
    instruments: System
    parametrization: Parametrization
    stage: FirstStage
    order: Codes
    places: Codes

    @property
    def width(self) -> int:
        """Number of columns of instruments."""
        return len(self.instruments.columns)

    @property
    def used(self) -> Codes:
        """Columns of the instruments that are independent, as `order`."""
        return self.order[self.stage.independent]


def joint_groups(designs: IvDesigns, joint: Design, sums: Accumulated, options: Options) -> list[ColumnGroup]:
    """The stored columns of both stages, in the order of `IvSystem.parametrization`."""
    parts = (part_of_sums(joint, sums, design) for design in (designs.instruments, designs.structural))
    left, right = (coded(design, own.moments, every_level=options.every_level).parametrization for design, own in parts)
    return joined(left, right).groups


def iv_system(
    designs: IvDesigns, joint: Design, sums: Accumulated, options: Options, centred_rows: CentredMoments | None = None
) -> IvSystem:
    """The sums of a pass as normal equations.

    joint : the design of the pass, with coordinates. centred_rows : sums of the rows without the effects of absorbed
    levels, of the columns of `joint_groups`, in the place of those of the pass.
    """
    design, own = part_of_sums(joint, sums, designs.structural)
    other_design, other = part_of_sums(joint, sums, designs.instruments)
    system, instruments = system_of(design, own, options), system_of(other_design, other, options)
    parametrization = joined(instruments.parametrization, system.parametrization)
    moments = sums.moments
    stored = gram_matrix(moments, parametrization.groups)
    entered = moments.rows if moments.removed is None else moments.rows + 2 * moments.removed.rows
    ever = stored if moments.removed is None else stored + 2 * gram_matrix(moments.removed, parametrization.groups)
    width = len(instruments.columns) + len(system.columns)
    degree = max(highest_degree(instruments.columns), highest_degree(system.columns))
    # a factor and a solve for each of both stages
    rounding_error = sum_rounding_error(entered, 2 * width, ROWS_PER_BLOCK + entered // ROWS_PER_BLOCK, degree)
    products, squares = products_in(stored, parametrization), squares_in(ever, parametrization)
    rounding_error += underflow_error(entered, squares)
    constant = parametrization.constant
    if joint.terms.absorbed:
        if centred_rows is None:
            within = partial_out(moments, joint, parametrization, squares, rounding_error)
        else:
            rounding_error += ROUNDINGS * EPS
            every = np.arange(len(stored))
            within = partialled_out_again(centred_rows, every, parametrization, squares, rounding_error)
            height = sum(len(g.positions) for g in instruments.parametrization.groups) - 1
            system = with_centred(system, centred_rows, every[height:])
            instruments = with_centred(instruments, centred_rows, np.append(every[:height], every[-1]))
        products, squares, constant = within.products, within.squares, None
    centred = centre(products, constant, squares)
    order, exogenous = _exogenous_first(designs, other_design, instruments)
    places = np.delete(np.arange(len(system.columns)), _as_index(system))
    at = np.full(width, -1)
    at[centred.others] = np.arange(len(centred.others))
    stage = first_stage(centred, at[order], exogenous, at[len(instruments.columns) + places], rounding_error)
    return IvSystem(design, own, system, instruments, parametrization, stage, order, places)


def _as_index(system: System) -> list[int]:
    """The position of the constant that is centred out, as a list."""
    constant = system.parametrization.constant
    return [] if constant is None or system.partialled_out is not None else [constant]


def _exogenous_first(designs: IvDesigns, design: Design, system: System) -> tuple[Codes, int]:
    """Columns of the instruments but the constant, the exogenous ones first, and how many these are."""
    left_out = _as_index(system)
    terms = design.terms.terms
    exogenous = [
        j
        for j, column in enumerate(system.columns)
        if terms[column.term].key not in designs.excluded and j not in left_out
    ]
    excluded = [j for j, column in enumerate(system.columns) if terms[column.term].key in designs.excluded]
    return np.array([*exogenous, *excluded], np.int64), len(exogenous)


def joined(left: Parametrization, right: Parametrization) -> Parametrization:
    """The columns that two parametrizations solve for, side by side, with the outcome of the right one.

    Columns that both have are there twice.
    """
    first = without_last(left.groups)
    height = sum(len(g.positions) for g in first)
    groups = [*first, *(replace(g, positions=g.positions + height) for g in right.groups)]
    subspace = None
    if left.subspace is not None or right.subspace is not None:
        own = left.subspace[:-1] if left.subspace is not None else _identity(first)
        others = right.subspace if right.subspace is not None else _identity(right.groups)
        subspace = [*own, *({i + height: c for i, c in column.items()} for column in others)]
    return Parametrization(groups, subspace, None, None, {}, right.scale, left.constant)


def _identity(groups: list[ColumnGroup]) -> list[Combination]:
    """The stored columns themselves, as combinations."""
    return [{j: Fraction(1)} for j in range(sum(len(g.positions) for g in groups))]


def model_map(parametrization: Parametrization, width: int) -> Matrix:
    """K (p, p) with the model's columns X K of the solved ones X, but for multiples of the constant."""
    columns = parametrization.to_solved
    out = np.zeros((width, width))
    if columns is None:
        return np.eye(width)
    for j, column in enumerate(columns):
        at, hi, _ = maps.sparse(column)
        out[at, j] = hi
    return out
