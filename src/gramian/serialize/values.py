"""Codecs of single values: text, numbers, levels, fractions, products of powers, arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gramian.linalg.monomials import Monomial
from gramian.serialize.codec import Check, Codec, Members, plain, require, sequence, tuple_of, wrong
from gramian.typing import Level, Matrix, Unicode

T = TypeVar("T")
K = TypeVar("K")
Axis = int | str | None
LevelsByFactor = Mapping[str, Sequence[Level]]

MAX_FRACTION_DIGITS = 100_000  # hexadecimal digits
MAX_POWER = 100
MAX_ROWS = 2**63
MAX_SIZE = 2**31
SYMMETRY = 2.0**-20  # of the lengths of two columns: both halves are sums of up to 2^32 rounded products
ARROW_TYPES = {
    name: pa.type_for_alias(name) for name in ("int64", "uint64", "double", "large_string", "bool", "date32[day]")
}
STORED_AS = {"date32[day]": pa.int32()}  # types whose values are written in another one
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def integer(low: int, high: int) -> Codec[int]:
    """A whole number, low <= number < high."""

    def read(obj: object, members: Members) -> int:
        good = type(obj) is int and low <= obj < high  # true and false are no numbers
        return obj if good else wrong(f"a whole number from {low} up to {high - 1}", obj)  # type: ignore[return-value]

    return Codec(lambda value, members: int(value), read, int)


def number_to_json(value: float) -> float | str:
    """A float; JSON has no word for those that are not finite."""
    value = float(value)
    return value if math.isfinite(value) else repr(value)


def _number(obj: object, members: Members) -> float:
    if isinstance(obj, str) and obj in NOT_FINITE:
        return NOT_FINITE[obj]
    return obj if isinstance(obj, float) and math.isfinite(obj) else wrong("a number", obj)


def _level_to_json(level: Level, members: Members) -> object:
    """A level; text, booleans, integers and floats stay distinct."""
    if not isinstance(level, str | bool | int | float):
        raise TypeError(f"a level of type {type(level).__name__} cannot be saved")
    return {"float": number_to_json(level)} if isinstance(level, float) else level


def _level(obj: object, members: Members) -> Level:
    match obj:
        case {"float": value, **rest} if not rest:
            return _number(value, members)
        case str():
            return obj if obj in Unicode() else wrong("text of Unicode", obj)
        case bool() | int():
            return obj
    return wrong("a level", obj)


def _fraction(text: str) -> Fraction:
    numerator, slash, denominator = text.partition("/")
    require(slash and len(text) <= MAX_FRACTION_DIGITS and int(denominator, 16) > 0, "a fraction", text)
    return Fraction(int(numerator, 16), int(denominator, 16))


JSON: Codec[Any] = plain(object, "anything")
TEXT = plain(str, "a text")
FLAG = plain(bool, "true or false")
TEXTS: Codec[tuple[str, ...]] = sequence(TEXT)
COUNT = integer(0, MAX_ROWS)
SIZE = integer(0, MAX_SIZE)
NUMBER: Codec[float] = Codec(lambda value, members: number_to_json(value), _number)
LEVEL: Codec[Level] = Codec(_level_to_json, _level)
LEVELS: Codec[tuple[Level, ...]] = sequence(LEVEL).distinct("levels that differ")
FRACTION = TEXT.convert(lambda c: f"{c.numerator:x}/{c.denominator:x}", _fraction)  # no limit of length in hexadecimal
POWERS = sequence(tuple_of(TEXT, integer(1, MAX_POWER)))
MONOMIAL: Codec[Monomial] = POWERS.checked(lambda m: list(m) == sorted(dict(m).items()), "a product of powers")


def combination(size: int) -> Codec[dict[int, Fraction]]:
    """Exact coefficients by position, positions below size."""
    pairs = sequence(tuple_of(integer(0, size), FRACTION))
    return pairs.checked(lambda p: len(dict(p)) == len(p), "positions that differ").convert(dict.items, dict)


def _axis(axis: str) -> tuple[str, int]:
    """Name of an axis, and what is added to its length: "k+1" is one longer than k."""
    name, _, more = axis.partition("+")
    return name, int(more or 0)


def _length(axis: Axis, sizes: Mapping[str, int]) -> int | None:
    """How long an axis is; None where it may have any length."""
    if not isinstance(axis, str):
        return axis
    name, more = _axis(axis)
    return sizes[name] + more if name in sizes else None


def array(name: str, dtype: str, *axes: Axis) -> Codec[NDArray[Any]]:
    """An array of float64, int64 or bool.

    axes : lengths, names of lengths (one that is not known yet is that of this array), "k+1" for one more than k, or
    None for any length.
    """

    def write(value: NDArray[Any], members: Members) -> None:
        members.arrays[members.prefix + name] = np.asarray(value, dtype)

    def read(obj: object, members: Members) -> NDArray[Any]:
        full = members.prefix + name
        require(full in members.arrays, f"an array '{full}'", "none")
        out = members.arrays[full]
        shape = tuple(_length(axis, members.sizes) for axis in axes)
        fits = len(shape) == out.ndim and all(n in (None, m) for n, m in zip(shape, out.shape, strict=True))
        require(out.dtype.name == dtype and fits, f"'{full}' of {dtype} and shape {shape}", (out.dtype.name, out.shape))
        members.used.add(full)  # so that arrays which nothing reads can be refused at the end
        for axis, size in zip(axes, out.shape, strict=True):
            if isinstance(axis, str):
                axis_name, more = _axis(axis)
                members.check_size(axis_name, size - more)  # the same name may stand twice in one shape
        return out

    return Codec(write, read)


def finite(name: str, *axes: Axis) -> Codec[NDArray[np.float64]]:
    """An array of finite numbers."""
    return array(name, "float64", *axes).checked(lambda out: np.isfinite(out).all(), f"finite numbers in '{name}'")


def products(name: str, *axes: Axis, negative: float = 0.0, tolerance: float = SYMMETRY) -> Codec[Matrix]:
    """Products of columns, or a stack of them.

    negative : how far squares may lie below zero, as a part of the largest product. tolerance : by how much the halves
    may differ, as rounding differs in BLAS: a part of the lengths of two columns, or of the largest product where
    squares may be negative.
    """

    def are_squares(out: Matrix) -> bool:
        squares = np.diagonal(out, axis1=-2, axis2=-1)
        return bool(np.isfinite(out).all() and (squares >= -negative * np.abs(out).max(initial=0.0)).all())

    def is_symmetric(out: Matrix) -> bool:
        lengths = np.sqrt(np.abs(np.diagonal(out, axis1=-2, axis2=-1)))
        size = np.abs(out).max(initial=0.0) if negative else lengths[..., None] * lengths[..., None, :]
        return not (np.abs(out - np.swapaxes(out, -1, -2)) > tolerance * size).any()

    squares = array(name, "float64", *axes).checked(are_squares, "finite products with squares that are not negative")
    return squares.checked(is_symmetric, "symmetric products")


def known(names: str, where: Callable[[Any], NDArray[np.bool_]], *, overflow: bool = False) -> Check:
    """A check of numbers: not NaN where they are known, nor infinite unless they may overflow.

    names : of attributes of a value, vectors or square matrices; those that are None have no numbers. where : which
    numbers of a value are known.
    """

    def check(value: Any) -> None:
        mask = where(value)
        for name in names.split():
            numbers = attrgetter(name)(value)
            # infinite numbers are refused wherever they stand, not only where numbers are known
            if numbers is not None:
                inside = numbers[np.ix_(*[mask] * numbers.ndim)]
                good = not np.isnan(inside).any() and (overflow or not np.isinf(numbers).any())
                require(good, f"{'numbers' if overflow else 'finite numbers'} in '{name}'", numbers)

    return check


def codes(name: str, limit: int, *axes: Axis) -> Codec[NDArray[np.int64]]:
    """An array of whole numbers from zero up to the limit."""
    expected = f"codes below {limit} in '{name}'"
    return array(name, "int64", *axes).checked(lambda a: not a.size or (a.min() >= 0 and a.max() < limit), expected)


def positions(name: str, limit: int, *axes: Axis) -> Codec[tuple[int, ...]]:
    """Whole numbers from zero up to the limit, an array in the file."""
    return codes(name, limit, *axes).convert(np.array, lambda array: tuple(array.tolist()))


def factors_of(levels: LevelsByFactor) -> Codec[tuple[str, ...]]:
    """Labels of factors, sorted, each once."""
    return TEXTS.checked(lambda f: list(f) == sorted(set(f)) and levels.keys() >= set(f), "factors")


def cells(
    name: str, factors: tuple[str, ...], levels: LevelsByFactor, axis: str | None = None
) -> Codec[NDArray[np.int64]]:
    """Codes of cells, (c, f), each below the number of its factor's levels. axis : the name of c."""
    require(levels.keys() >= set(factors), "a table of known factors", factors)
    limits = np.array([len(levels[f]) for f in factors], np.int64)
    return codes(name, MAX_SIZE, axis, len(factors)).checked(lambda out: (out < limits).all(), "codes of levels")


def each(codecs: Mapping[K, Codec[T]]) -> Codec[Mapping[K, T]]:
    """A mapping with these keys, whose values are arrays only."""

    def write(values: Mapping[K, T], members: Members) -> None:
        for key, codec in codecs.items():
            codec.write(values[key], members)

    return Codec(write, lambda obj, members: {key: codec.read(None, members) for key, codec in codecs.items()})


def keyed(keys: Codec[tuple[K, ...]], value: Callable[[int, K], Codec[T]]) -> Codec[Mapping[K, T]]:
    """A mapping whose keys are a list of JSON, and whose values are arrays only, with codecs by number and key."""

    def values(found: Iterable[K]) -> Codec[Mapping[K, T]]:
        return each({key: value(i, key) for i, key in enumerate(found)})

    def write(mapping: Mapping[K, T], members: Members) -> object:
        values(mapping).write(mapping, members)
        return keys.write(tuple(mapping), members)

    return Codec(write, lambda obj, members: values(keys.read(obj, members)).read(None, members))


def _arrow_values(names: tuple[str, tuple[Level, ...]]) -> Any:
    kind, values = names
    require(kind in ARROW_TYPES, "a type of values", kind)
    return pa.array(values, STORED_AS.get(kind, ARROW_TYPES[kind])).cast(ARROW_TYPES[kind])


ARROW_COLUMN: Codec[Any] = tuple_of(TEXT, sequence(LEVEL)).convert(
    lambda names: (str(names.type), names.cast(STORED_AS.get(str(names.type), names.type)).to_pylist()), _arrow_values
)
ARROW_VALUES = ARROW_COLUMN.checked(lambda names: len(names.unique()) == len(names), "values that differ")
