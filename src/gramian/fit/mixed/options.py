"""What the user may ask of a mixed model."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.errors import OptionError
from gramian.fit.passes.options import Options


@dataclass(frozen=True, slots=True)
class MixedOptions:
    """Options of a mixed model.

    Attributes
    ----------
    reml : bool
        Whether the restricted likelihood is maximised; else the likelihood.
    """

    reml: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.reml, bool):
            raise OptionError(f"reml must be True or False, found {self.reml!r}")


def check_options(options: Options) -> None:
    """Raise OptionError for what does not go with random effects."""
    if options.alpha is not None or options.exact:
        what = "a penalty" if options.alpha is not None else "exact=True"
        raise OptionError(f"{what} does not go with random effects: their sums are made and solved in float64")
    if options.collinear == "min-norm":
        raise OptionError('collinear="min-norm" does not go with random effects: use "drop" or "raise"')
