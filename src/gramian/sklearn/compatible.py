"""What scikit-learn's estimators have that means nothing here: parameters without effect, and the type of results."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn import linear_model
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

from gramian.errors import OptionError

# allowed values of all parameters, by the name of the estimator
CONSTRAINTS = {
    name: getattr(getattr(linear_model, name), "_parameter_constraints", {}) for name in linear_model.__all__
}


class Compatible:
    """Base of estimators that take every parameter of scikit-learn's estimator of the same name.

    Attributes
    ----------
    _like : str
        Name of scikit-learn's estimator.
    _without_effect : tuple of str
        Parameters that steer what is not done here; their values must be those that scikit-learn allows.
    """

    _like: ClassVar[str] = ""
    _without_effect: ClassVar[tuple[str, ...]] = ()

    def _check_parameters(self) -> None:
        """Raise OptionError where a parameter without effect has a value that scikit-learn does not allow."""
        allowed = CONSTRAINTS.get(self._like, {})
        values = {name: getattr(self, name) for name in self._without_effect if name in allowed}
        try:
            validate_parameter_constraints({name: allowed[name] for name in values}, values, caller_name=self._like)
        except InvalidParameterError as error:
            raise OptionError(str(error)) from error


def result_type(X: Any) -> np.dtype[Any]:
    """Type of coefficients and predictions: float32 where X is, else float64. All sums are of float64."""
    return np.dtype(np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64)
