"""Linear models on data of any size: one pass, certified digits, every model from small sums."""

from __future__ import annotations

__version__ = "0.1.0"
