"""Small values as plain JSON and back; what has not the right form is a ValueError that says what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NoReturn, TypeVar

from gramian.linalg.monomials import Monomial
from gramian.typing import Level

T = TypeVar("T")
Combination = dict[int, Fraction]

MAX_FRACTION_DIGITS = 100_000  # hexadecimal digits
MAX_POWER = 100
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def text(obj: object) -> str:
    """Text."""
    return obj if isinstance(obj, str) else wrong("a text", obj)


def flag(obj: object) -> bool:
    """True or false."""
    return obj if isinstance(obj, bool) else wrong("true or false", obj)


def integer(obj: object, low: int, high: int) -> int:
    """A whole number, low <= number < high."""
    if not isinstance(obj, int) or isinstance(obj, bool) or not low <= obj < high:
        wrong(f"a whole number from {low} up to {high - 1}", obj)
    return obj


def number_to_json(value: float) -> float | str:
    """A float; JSON has no word for those that are not finite."""
    value = float(value)
    return value if math.isfinite(value) else repr(value)


def number_from_json(obj: object) -> float:
    """What `from_number` wrote."""
    if isinstance(obj, str) and obj in NOT_FINITE:
        return NOT_FINITE[obj]
    if not isinstance(obj, float) or not math.isfinite(obj):
        wrong("a number", obj)
    return obj


def level_to_json(level: Level) -> object:
    """A level; text, booleans, integers and floats stay apart."""
    if isinstance(level, float):
        return {"float": number_to_json(level)}
    if not isinstance(level, str | bool | int):
        raise TypeError(f"a level of type {type(level).__name__} cannot be saved")
    return level


def level_from_json(obj: object) -> Level:
    """What `from_level` wrote."""
    match obj:
        case {"float": value, **rest} if not rest:
            return number_from_json(value)
        case str() | bool() | int():
            return obj
    return wrong("a level", obj)


def combination_to_json(combination: Mapping[int, Fraction]) -> list[list[object]]:
    """Positions with exact coefficients, in order; fractions in hexadecimal, whose length no limit touches."""
    return [[i, f"{c.numerator:x}/{c.denominator:x}"] for i, c in combination.items()]


def combination_from_json(obj: object, size: int) -> Combination:
    """What `from_combination` wrote, positions below size."""
    out = dict(pairs(obj, lambda position: integer(position, 0, size), fraction))
    return out if len(out) == len(sequence(obj)) else wrong("positions that differ", obj)


def fraction(obj: object) -> Fraction:
    """A fraction in hexadecimal, "num/den"."""
    parts = text(obj).split("/")
    if len(parts) != 2 or len(text(obj)) > MAX_FRACTION_DIGITS:
        wrong("a fraction", obj)
    numerator, denominator = int(parts[0], 16), int(parts[1], 16)
    return Fraction(numerator, denominator) if denominator > 0 else wrong("a fraction", obj)


def monomial(obj: object) -> Monomial:
    """Pairs of variable and power, sorted, as JSON holds a monomial."""
    out = tuple(pairs(obj, text, lambda power: integer(power, 1, MAX_POWER)))
    return out if list(out) == sorted(dict(out).items()) else wrong("a product of powers", obj)


def sequence(obj: object, size: int | None = None) -> list[Any]:
    """A list, of that length when one is given."""
    if not isinstance(obj, list) or (size is not None and len(obj) != size):
        wrong("a list" if size is None else f"a list of {size}", obj)
    return obj


def texts(obj: object) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(part) for part in sequence(obj))


def pairs(obj: object, first: Callable[[object], Any], second: Callable[[object], T]) -> list[tuple[Any, T]]:
    """A list of pairs."""
    items = [sequence(part, 2) for part in sequence(obj)]
    return [(first(a), second(b)) for a, b in items]


def mapping(obj: object, value: Callable[[object], T]) -> dict[str, T]:
    """An object whose values are read by `value`."""
    return {key: value(part) for key, part in obj.items()} if isinstance(obj, dict) else wrong("an object", obj)


def optional(obj: object, read: Callable[[object], T]) -> T | None:
    """Nothing, or what `read` makes of it."""
    return None if obj is None else read(obj)


def fields(obj: object, names: Sequence[str]) -> list[Any]:
    """The values of an object that has exactly these names."""
    if not isinstance(obj, dict) or obj.keys() != set(names):
        wrong(f"an object of {', '.join(names)}", obj)
    return [obj[name] for name in names]


def wrong(expected: str, value: object) -> NoReturn:
    """Raise the ValueError."""
    raise ValueError(f"expected {expected}, found {str(value)[:60]!r}")
