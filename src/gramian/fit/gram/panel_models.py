"""What a Gram with clusters can fit to the panel that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gramian.fit.passes.options import checked_options
from gramian.keywords import DEFAULTS, Collinear

if TYPE_CHECKING:
    from gramian.fit.gram.sums import GramData
    from gramian.fit.mixed.designs import MixedDesigns
    from gramian.fit.mixed.result import MixedFit
    from gramian.fit.panel.by_group import PanelSums
    from gramian.fit.panel.result import PanelFit
    from gramian.formula.design import Design
    from gramian.inference.vcov_spec import Vcov


class PanelModels:
    """Mixed models and panels from products within clusters, without data."""

    __slots__ = ()

    gram_data: GramData

    def mixed(self, formula: str, *, reml: bool = True, collinear: Collinear = "drop") -> MixedFit:
        """Fit a mixed model, as `gm.mixed`, whose groups are the clusters of this Gram, without data.

        Parameters
        ----------
        formula : str
            Such as "y ~ x + (1 + x | firm)", for gm.gram("y ~ x + z", data, cluster="firm").
        reml, collinear
            As in `gm.mixed`.

        Raises
        ------
        OptionError
            For groups that are not the clusters of this Gram.
        SchemaError, ColumnError
            If a term, outcome or column is not stored.
        NumericalError
            As `gm.mixed`.

        Examples
        --------
        >>> import gramian as gm
        >>> rows = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3], "x": [0.0, 1, 2, 0, 1, 2, 0, 1, 2],
        ...         "y": [1.0, 2.1, 2.9, 3.0, 4.2, 5.1, 0.1, 1.0, 1.8]}
        >>> gram = gm.gram("y ~ x", rows, cluster="g")
        >>> round(gram.mixed("y ~ x + (1 | g)").sigma, 4)
        0.1197
        """
        from gramian.fit.gram.panels import mixed_of_gram  # most Grams have no clusters
        from gramian.fit.mixed.options import MixedOptions
        from gramian.fit.mixed.result import MixedFit

        settings = checked_options({**DEFAULTS, "collinear": collinear})
        return MixedFit(mixed_of_gram(self.gram_data, formula, settings, MixedOptions(reml)))

    def mixed_sums(self, formula: str) -> tuple[MixedDesigns, Design, PanelSums]:
        """The sums of a mixed model, from which `MixedFit.profile` computes intervals. Raises as `mixed`."""
        from gramian.fit.gram.panels import mixed_sums

        return mixed_sums(self.gram_data, formula, checked_options(DEFAULTS))

    def random_effects(self, formula: str, *, vcov: Vcov = "iid", collinear: Collinear = "drop") -> PanelFit:
        """Fit random effects, as `gm.random_effects`, for the clusters of this Gram as panel, without data.

        formula : of stored terms. vcov, collinear : as in `gm.random_effects`. Raises as `mixed`.
        """
        return self._panel("random", formula, vcov, collinear)

    def mundlak(self, formula: str, *, vcov: Vcov = "iid", collinear: Collinear = "drop") -> PanelFit:
        """Fit random effects with group means, as `gm.mundlak`, for the clusters of this Gram, without data.

        formula : of stored terms. vcov, collinear : as in `gm.mundlak`. Raises as `mixed`.
        """
        return self._panel("mundlak", formula, vcov, collinear)

    def between(self, formula: str, *, collinear: Collinear = "drop") -> PanelFit:
        """Fit group means, as `gm.between`, for the clusters of this Gram, without data.

        formula : of stored terms. collinear : as in `gm.between`. Raises as `mixed`.
        """
        return self._panel("between", formula, "iid", collinear)

    def _panel(self, estimator: str, formula: str, vcov: Vcov, collinear: Collinear) -> PanelFit:
        """The fit of an estimator."""
        from gramian.fit.gram.panels import panel_of_gram
        from gramian.fit.panel.result import PanelFit

        settings = checked_options({**DEFAULTS, "collinear": collinear})
        return PanelFit(panel_of_gram(self.gram_data, formula, settings, estimator, vcov))
