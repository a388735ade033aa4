"""What the lesson shows where nobody brings data: the two worked examples, throws at a target, and a magnet."""

from __future__ import annotations

from gramian.lessons.points import Points

_MONTHS = (2.3, 2.33, 2.29, 2.3, 2.36, 2.4, 2.46, 2.5, 2.48, 2.43, 2.38, 2.35)
MONTHS = Points("months", "Twelve months", "x", "y", tuple((float(x), y) for x, y in enumerate(_MONTHS, start=1)))
TEN = Points(
    "ten", "Ten points", "x", "y",
    ((1, 1), (2, 2), (3, 4), (4, 3), (5, 5.5), (6, 8), (7, 6), (8, 8.4), (9, 10), (5, 4)),
)  # fmt: skip

_HITS = (1.0, 1.2, 1.5, 1.7, 1.9, 2.4, 2.6, 2.8, 3.1, 3.3, 4.0, 4.2, 4.5, 5.2, 6.3, 6.5, 9.3)
_MISSES = (
    2.2, 3.5, 3.8, 4.7, 4.9, 5.4, 5.6, 5.8, 6.1, 6.8, 7.0, 7.2, 7.5, 7.7, 7.9, 8.2, 8.4, 8.6, 8.8, 9.1, 9.5, 9.8, 10.0,
)  # fmt: skip
THROWS = Points(
    "throws", "Forty throws", "distance", "hit",
    tuple(sorted([*((x, 1.0) for x in _HITS), *((x, 0.0) for x in _MISSES)])),
)  # fmt: skip

_FIELD = (-8.0, -6.0, -4.5, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.5, 6.0, 8.0)
_MAGNETISATION = (-1.62, -1.55, -1.44, -1.21, -0.94, -0.52, 0.49, 0.97, 1.18, 1.46, 1.53, 1.64)
MAGNET = Points("magnet", "A magnet", "field", "magnetisation", tuple(zip(_FIELD, _MAGNETISATION, strict=True)))
