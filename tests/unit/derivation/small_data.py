"""Small data whose derivations are known."""

from __future__ import annotations

WAVE = {
    "x": list(range(1, 13)),
    "y": [2.3, 2.33, 2.29, 2.3, 2.36, 2.4, 2.46, 2.5, 2.48, 2.43, 2.38, 2.35],
}
POINTS = {"x": [1, 2, 3, 4, 5, 6, 7, 8, 9, 5], "y": [1, 2, 4, 3, 5.5, 8, 6, 8.4, 10, 4]}
TWINS = {"a": [1, 2, 3, 4, 5], "b": [2, 4, 6, 8, 10], "y": [1, 3, 2, 5, 4]}
GROUPS = {"g": list("abcabca"), "x": [1.5, 2, 3, 5, 4, 7, 6], "y": [1, 2.5, 3, 4, 5, 5.5, 9]}
