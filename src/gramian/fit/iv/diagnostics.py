"""Tests of instruments of a fit, by the covariance in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from gramian.errors import OptionError, did_you_mean
from gramian.fit.iv.basis import endogenous_slopes
from gramian.fit.iv.solution import IvSolved
from gramian.inference import instruments as numbers
from gramian.inference.anderson_rubin import Intervals, confidence_set
from gramian.inference.instruments import EffectiveF, FirstStages
from gramian.inference.tests import Test
from gramian.typing import Vector

Values: TypeAlias = float | Sequence[float] | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class WeakInstruments:
    """How strong the instruments are, by the covariance in force.

    Attributes
    ----------
    first_stage : mapping of str to Test
        Endogenous column -> F test of the excluded instruments in its first stage.
    conditional : mapping of str to Test
        Endogenous column -> F of Sanderson and Windmeijer, given the other endogenous columns.
    partial_r_squared : mapping of str to float
        Endogenous column -> what the excluded instruments explain of it beside the exogenous columns.
    cragg_donald : float
        F of Cragg and Donald, for iid errors, which Stock and Yogo's critical values are of.
    kleibergen_paap : float
        The same by the covariance in force: the rank statistic of Kleibergen and Paap (Wald) over L.
    underidentification : Test
        Chi-square of that statistic with L - k + 1 degrees of freedom: that the instruments explain one combination of
        the endogenous columns less.
    effective_f : EffectiveF or None
        Effective F of Montiel Olea and Pflueger; None for several endogenous columns.
    """

    first_stage: Mapping[str, Test]
    conditional: Mapping[str, Test]
    partial_r_squared: Mapping[str, float]
    cragg_donald: float
    kleibergen_paap: float
    underidentification: Test
    effective_f: EffectiveF | None

    def tidy(self) -> pa.Table:
        """One row for each endogenous column.

        Returns
        -------
        pyarrow.Table
            Columns term, partial_r_squared, statistic, df, df_residual, p_value of the first-stage F, and
            conditional_statistic, conditional_df, conditional_p_value of Sanderson and Windmeijer's.
        """
        first, own = list(self.first_stage.values()), list(self.conditional.values())
        return pa.table(
            {
                "term": list(self.first_stage),
                "partial_r_squared": list(self.partial_r_squared.values()),
                "statistic": [t.statistic for t in first],
                "df": [t.df[0] for t in first],
                "df_residual": [float(t.df[1]) for t in first],
                "p_value": [t.p_value for t in first],
                "conditional_statistic": [t.statistic for t in own],
                "conditional_df": [t.df[0] for t in own],
                "conditional_p_value": [t.p_value for t in own],
            }
        )


@dataclass(frozen=True, slots=True)
class AndersonRubin:
    """A test of Anderson and Rubin, and its confidence set.

    Attributes
    ----------
    values : mapping of str to float
        Endogenous column -> the coefficient that is tested.
    test : Test
        F test that the coefficients have these values; it holds whatever the strength of the instruments.
    intervals : tuple of (low, high), or None
        The values of the one endogenous coefficient that are not rejected; infinite ends where the set is unbounded,
        no interval where it is empty. None for several endogenous columns.
    level : float
        Coverage of the set.
    """

    values: Mapping[str, float]
    test: Test
    intervals: Intervals | None
    level: float


def stages_of(solved: IvSolved) -> FirstStages:
    """The inputs of all tests."""
    df = solved.structural.rows - solved.exogenous - len(solved.excluded)
    robust = solved.robust
    if robust is None:
        return FirstStages(solved.within, solved.reduced, df)
    return FirstStages(solved.within, solved.reduced, df, robust.reduced, robust.df)


def weak_instruments(solved: IvSolved) -> WeakInstruments:
    """Everything about the strength of the instruments."""
    stages, names = stages_of(solved), solved.endogenous
    rank = numbers.kleibergen_paap(stages)
    return WeakInstruments(
        dict(zip(names, numbers.first_stage_f(stages), strict=True)),
        dict(zip(names, numbers.conditional_f(stages), strict=True)),
        dict(zip(names, numbers.partial_r_squared(stages).tolist(), strict=True)),
        numbers.cragg_donald(stages),
        rank.statistic / stages.instruments,
        rank,
        numbers.effective_f(stages) if len(names) == 1 else None,
    )


def sargan(solved: IvSolved) -> Test | None:
    """Sargan's test; None with as many instruments as endogenous columns."""
    return numbers.sargan(stages_of(solved), _endogenous_coefficients(solved), solved.structural.rows)


def hansen(solved: IvSolved) -> Test | None:
    """Hansen's J; None with as many instruments as endogenous columns. Raises OptionError for iid errors."""
    if solved.robust is None:
        raise OptionError("Hansen's J needs a robust covariance, as in vcov='HC1'; with iid errors there is sargan()")
    if len(solved.excluded) == len(solved.endogenous) or solved.hansen is None:
        return None
    return numbers.hansen(stages_of(solved), solved.hansen)


def wu_hausman(solved: IvSolved) -> Test:
    """Test that the endogenous columns are exogenous."""
    stages, k = stages_of(solved), len(solved.endogenous)
    df = solved.structural.rows - solved.structural.effective - k
    beta, robust = endogenous_slopes(solved.reduced), solved.robust
    if robust is None:
        return numbers.wu_hausman(stages, beta, df)
    return numbers.wu_hausman(stages, beta, df, robust.endogeneity, robust.df_endogeneity)


def anderson_rubin(solved: IvSolved, values: Values, level: float) -> AndersonRubin:
    """The test and the confidence set. Raises OptionError for values of other columns, or another level."""
    by_name = _by_name(solved, values)
    stages = stages_of(solved)
    intervals = confidence_set(stages, level) if len(solved.endogenous) == 1 else None
    return AndersonRubin(by_name, numbers.anderson_rubin(stages, np.array(list(by_name.values()))), intervals, level)


def _by_name(solved: IvSolved, values: Values) -> dict[str, float]:
    """The values by the names of the endogenous columns."""
    names = solved.endogenous
    if isinstance(values, Mapping):
        for name in values:
            if name not in names:
                raise OptionError(f"no endogenous column '{name}'{did_you_mean(str(name), names)}")
        return {name: float(values.get(name, 0.0)) for name in names}
    given = [float(values)] * len(names) if isinstance(values, int | float) else [float(v) for v in values]
    if len(given) != len(names):
        raise OptionError(f"{len(names)} values are needed, for {', '.join(names)}; found {len(given)}")
    return dict(zip(names, given, strict=True))


def _endogenous_coefficients(solved: IvSolved) -> Vector:
    """Coefficients of the endogenous columns."""
    structural = solved.structural
    return np.nan_to_num(structural.coefficients[[structural.names.index(name) for name in solved.endogenous]])
