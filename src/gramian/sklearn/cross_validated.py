"""Base of the estimators that choose their penalty by cross-validation, from the sums of the folds."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from gramian.errors import OptionError
from gramian.fit.passes.options import penalty
from gramian.sklearn.base import SumsRegressor
from gramian.sklearn.folds import Split, checked_splits, fold_sums
from gramian.sklearn.rows import Rows, weight_name
from gramian.sklearn.sums import Sums
from gramian.typing import Vector


class CrossValidated(SumsRegressor):
    """Base of estimators that choose their penalty by cross-validation.

    Attributes
    ----------
    cv : int, splitter, iterable of splits, or None
        As in scikit-learn's `check_cv`.
    """

    cv: Any

    def _routed(self, params: dict[str, Any]) -> dict[str, Any]:
        """Metadata for the splitter.

        Raises ValueError where metadata routing is not enabled, and TypeError for metadata that nothing requests.
        """
        if params and not get_config()["enable_metadata_routing"]:
            raise ValueError(
                f"[{', '.join(params)}] are not passed on: metadata for {type(self).__name__}.fit is only supported if "
                "enable_metadata_routing=True, see sklearn.set_config"
            )
        return dict(process_routing(self, "fit", **params).splitter.split) if params else {}

    def _splits(self, rows: Rows, y: Any, split_params: dict[str, Any]) -> list[Split]:
        """Positions of the training and the test rows of each split."""
        return checked_splits(check_cv(self.cv), rows.X, y, **split_params)

    def _folds(self, rows: Rows, splits: Sequence[Split], sums: Sums) -> Any:
        """Iterator of the sums of training and test rows of each split."""
        outcomes, weight_column = self._outcomes(sums.outcomes), weight_name(rows.columns)
        weight = weight_column if weight_column in rows.vectors else None
        return fold_sums(rows, splits, outcomes, weight, sums, centred=self.fit_intercept, jobs=self.n_jobs)

    def get_metadata_routing(self) -> Any:
        """Routing of metadata in `fit`: to the splitter, such as groups where `cv` requests them.

        Returns
        -------
        MetadataRouter
            As scikit-learn's metadata routing expects it.
        """
        mapping = MethodMapping().add(caller="fit", callee="split")
        return MetadataRouter(owner=self).add_self_request(self).add(splitter=check_cv(self.cv), method_mapping=mapping)


def penalties_of(values: Any, least: float | None) -> Vector:
    """Validated penalties (a,). least : 0.0 where a penalty of 0 makes sense, None where all must be above 0.

    Raises TypeError for what is not a number, and OptionError for other penalties.
    """
    for i, alpha in enumerate(values if isinstance(values, Sequence) else ()):
        if not isinstance(alpha, Real):
            raise TypeError(f"alphas[{i}] must be an instance of float, not {type(alpha).__name__}")
    alphas = np.array([penalty(float(a)) for a in np.ravel(values)])
    if not len(alphas) or (least is None and not alphas.all()):
        raise OptionError(f"alphas must be numbers above 0, at least one, found {values!r}")
    return alphas
