"""Codecs: one declaration that writes a value and reads it again.

A codec turns a value into plain JSON, with arrays beside it by name, and back. What is read is not trusted: anything
that a codec does not expect is a ValueError which says what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, NoReturn, TypeVar

from numpy.typing import NDArray

S = TypeVar("S")
T = TypeVar("T")
Arrays = Mapping[str, NDArray[Any]]
COLUMNS_WITHOUT_ARRAY = 1_000
SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class Members:
    """The arrays beside a JSON document.

    Attributes
    ----------
    arrays : arrays by name, which are written or read.
    prefix : what the names of arrays begin with in this part of the document.
    sizes : lengths of axes by name, as far as they are known in this part.
    used : names of the arrays that were read.
    """

    arrays: dict[str, NDArray[Any]]
    prefix: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    @property
    def columns(self) -> int:
        """How many columns the arrays may be of: the sum of their longest axes, and some that leave no array."""
        return COLUMNS_WITHOUT_ARRAY + sum(max(a.shape, default=1) for a in self.arrays.values())

    def inside(self, prefix: str = "") -> Members:
        """The same for a part of the document: what it says of sizes holds there alone."""
        return Members(self.arrays, self.prefix + prefix, self.sizes.copy(), self.used)

    def check_size(self, axis: str, size: int) -> None:
        """Refuse a length of an axis that is not the one before."""
        require(self.sizes.setdefault(axis, size) == size, f"{self.sizes[axis]} along '{axis}'", size)


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How a value is written as JSON, and read from it; both take `members` for arrays.

    kind : the type hint of the values, where it is one that the fields of records have.
    """

    write: Callable[[T, Members], Any]
    read: Callable[[Any, Members], T]
    kind: Any = None

    def dump(self, value: T) -> tuple[Any, dict[str, NDArray[Any]]]:
        """JSON and arrays of a value."""
        members = Members({})
        return self.write(value, members), members.arrays

    def load(self, obj: object, arrays: Arrays, what: str) -> T:
        """The value that `dump` wrote. Raises ValueError for anything else, and for arrays that belong to nothing.

        what : the name of such values, for the message.
        """
        members = Members(dict(arrays))
        out = self.read(obj, members)
        require(members.used == arrays.keys(), f"no arrays but those of {what}", list(arrays))
        return out

    def optional(self) -> Codec[T | None]:
        """None, or what this codec writes."""
        return Codec(
            lambda value, members: None if value is None else self.write(value, members),
            lambda obj, members: None if obj is None else self.read(obj, members),
        )

    def present(self) -> Codec[T | None]:
        """None, or what this codec writes, which is arrays only; the JSON says whether they are there."""
        return Codec(
            lambda value, members: value is not None and self.write(value, members) is None,
            lambda obj, m: self.read(None, m) if obj is True else None if obj is False else wrong("true or false", obj),
        )

    def convert(self, to: Callable[[S], T], back: Callable[[T], S], kind: Any = None) -> Codec[S]:
        """Values that are written as other ones."""
        return Codec(lambda value, m: self.write(to(value), m), lambda obj, m: back(self.read(obj, m)), kind)

    def alone(self) -> Codec[T]:
        """The same, as the one item of a list."""
        return tuple_of(self).convert(lambda value: (value,), lambda items: items[0], self.kind)

    def unwrapped(self) -> Codec[T]:
        """The item alone of what this codec writes as a list of one."""
        return Codec(lambda value, m: self.write(value, m)[0], lambda obj, m: self.read([obj], m))

    def checked(self, good: Callable[[T], object], expected: str) -> Codec[T]:
        """Refuse values that are not good when they are read."""
        return Codec(self.write, lambda obj, m: v if good(v := self.read(obj, m)) else wrong(expected, v), self.kind)

    def distinct(self, expected: str) -> Codec[T]:
        """Refuse what holds an item twice."""
        return self.checked(lambda values: len(set(values)) == len(values), expected)  # type: ignore[call-overload, arg-type]

    def no_larger(self, what: str, depth: int, size: int) -> Codec[T]:
        """Refuse JSON with more levels of lists and objects, or more parts, before it is read: it may be hostile."""

        def read(obj: object, members: Members) -> T:
            level, levels, parts = [obj], 0, 0
            while level:
                levels, parts = levels + 1, parts + len(level)
                require(levels <= depth and parts <= size, f"{what} that is not so large", parts)
                level = list(chain.from_iterable(map(_parts, level)))
            return self.read(obj, members)

        return Codec(self.write, read, self.kind)

    def along(self, axis: str) -> Codec[T]:
        """Refuse what has not the length of an axis."""

        def read(obj: object, members: Members) -> T:
            out = self.read(obj, members)
            members.check_size(axis, len(out))  # type: ignore[arg-type]
            return out

        return Codec(self.write, read)

    def under(self, prefix: str) -> Codec[T]:
        """The same, the names of its arrays begin with the prefix."""
        return Codec(
            lambda value, m: self.write(value, m.inside(prefix)), lambda obj, m: self.read(obj, m.inside(prefix))
        )


Check = Callable[[Any], None]  # raises ValueError for a value that makes no sense
CodecBy = Codec[T] | Callable[[Any], Codec[T]]  # one for all items, or one for each by its number, key or neighbours


def wrong(expected: str, value: object) -> NoReturn:
    """Raise the ValueError."""
    first = value[:SHOWN] if isinstance(value, str | list | tuple) else value  # the text of a long list takes seconds
    raise ValueError(f"expected {expected}, found {str(first)[:SHOWN]!r}")


def require(good: object, expected: str, value: object) -> None:
    """Raise the ValueError unless it is good."""
    if not good:
        wrong(expected, value)


def rule(good: Callable[[Any], object], expected: str, part: str) -> Check:
    """A check of a value. expected : formatted with it, as in "{0.rows} rows". part : the attribute in a refusal."""
    return lambda value: None if good(value) else wrong(expected.format(value), attrgetter(part)(value))


def _parts(obj: object) -> list[object]:
    """What a list or an object of JSON consists of."""
    return list(obj.values()) if isinstance(obj, dict) else obj if isinstance(obj, list) else []


def select(codec: CodecBy[T], of: Any) -> Codec[T]:
    """The codec itself, or the one for `of`."""
    return codec if isinstance(codec, Codec) else codec(of)


def plain(kind: type[T], expected: str) -> Codec[T]:
    """What JSON holds as it is."""
    return Codec(lambda value, _: value, lambda obj, _: obj if isinstance(obj, kind) else wrong(expected, obj), kind)


def constant(value: T) -> Codec[T]:
    """A value of which nothing is written, since it is always this one."""
    return Codec(lambda *_: None, lambda *_: value)


def items_of(obj: object, size: int | None = None) -> list[Any]:
    """A list of JSON, of that length when one is given."""
    if not isinstance(obj, list) or size not in (None, len(obj)):
        wrong("a list" if size is None else f"a list of {size}", obj)
    return obj


def sequence(codec: CodecBy[T], size: int | None = None, into: Callable[[list[T]], Any] = tuple) -> Codec[Any]:
    """A list of any length or of `size`, a tuple in Python; its items may have codecs by their number."""
    return Codec(
        lambda values, members: [select(codec, i).write(v, members) for i, v in enumerate(values)],
        lambda obj, members: into([select(codec, i).read(v, members) for i, v in enumerate(items_of(obj, size))]),
    )


def numbered(prefix: str, codec: Codec[T]) -> Codec[tuple[T, ...]]:
    """A list whose items have arrays of their own, named by the prefix and the number of the item."""
    return sequence(lambda i: codec.under(f"{prefix}{i}/"))


def tuple_of(*codecs: Codec[Any]) -> Codec[tuple[Any, ...]]:
    """A list with one item for each codec."""
    return sequence(codecs.__getitem__, len(codecs))


def chained(first: Codec[S], rest: Codec[T]) -> Codec[tuple[S, T]]:
    """A pair in one list: the item of one codec, then those of the other, whose JSON is a list."""

    def read(obj: object, members: Members) -> tuple[S, T]:
        item, *items = items_of(obj) or wrong("a list of some items", obj)
        return first.read(item, members), rest.read(items, members)

    return Codec(lambda pair, m: [first.write(pair[0], m), *rest.write(pair[1], m)], read)


def joined(codec: Codec[S], key: str, other: Codec[T]) -> Codec[tuple[S, T]]:
    """A pair in one object: the keys of the first codec, which writes an object, and one more for the other."""

    def read(obj: object, members: Members) -> tuple[S, T]:
        # a copy, for what was read belongs to the caller
        items = dict(obj) if isinstance(obj, dict) and key in obj else wrong(f"an object with {key}", obj)
        second = other.read(items.pop(key), members)
        return codec.read(items, members), second

    return Codec(lambda pair, m: {**codec.write(pair[0], m), key: other.write(pair[1], m)}, read)


def mapping(codec: CodecBy[T]) -> Codec[Mapping[str, T]]:
    """An object of any keys; its values may have codecs by their key."""

    def read(obj: object, members: Members) -> dict[str, T]:
        items = obj.items() if isinstance(obj, dict) else wrong("an object", obj)
        return {key: select(codec, key).read(item, members) for key, item in items}

    return Codec(lambda values, members: {k: select(codec, k).write(v, members) for k, v in values.items()}, read)


def some_of(codecs: Mapping[str, Codec[T]]) -> Codec[Mapping[str, T]]:
    """An object with some of these keys, each with a codec of its own."""
    return mapping(lambda key: codecs[key] if key in codecs else wrong(f"one of {', '.join(codecs)}", key))


def of_columns(codec: Codec[T]) -> Codec[T]:
    """A list or an object with an item for every column at most: refused unread where it is longer than the arrays."""

    def read(obj: object, members: Members) -> T:
        size = len(obj) if isinstance(obj, list | dict) else 0
        expected = f"no more than {members.columns:,} terms or variables beside arrays of these sizes"
        require(size <= members.columns, expected, size)
        return codec.read(obj, members)

    return Codec(codec.write, read)


def tagged(expected: str, kinds: Mapping[str, Codec[Any]]) -> Codec[Any]:
    """A value of one of several types, whose list begins with a tag. Raises TypeError where another is written."""

    def write(value: object, members: Members) -> list[Any]:
        for tag, codec in kinds.items():
            if isinstance(value, codec.kind):
                return [tag, *codec.write(value, members)]
        raise TypeError(f"{expected} of type {type(value).__name__} cannot be saved")

    def read(obj: object, members: Members) -> Any:
        match obj:
            case [str(tag), *items] if tag in kinds:
                return kinds[tag].read(items, members)
        return wrong(expected, obj)

    return Codec(write, read)
