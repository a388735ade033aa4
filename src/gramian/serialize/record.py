"""Codecs of records of several fields, whose types come from the type hints of their class."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, replace
from dataclasses import fields as dataclass_fields
from enum import Enum
from fractions import Fraction
from functools import cache, partial, reduce
from inspect import signature
from operator import attrgetter, or_
from types import FunctionType, NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.monomials import Monomial
from gramian.serialize.codec import (
    Check,
    Codec,
    CodecBy,
    Members,
    constant,
    items_of,
    mapping,
    of_columns,
    select,
    sequence,
    tuple_of,
    wrong,
)
from gramian.serialize.values import (
    COUNT,
    FLAG,
    FRACTION,
    LEVEL,
    MAX_ROWS,
    MONOMIAL,
    NUMBER,
    TEXT,
    LevelsByFactor,
    array,
    cells,
    codes,
    finite,
    integer,
)  # fmt: skip
from gramian.typing import Level

Types: TypeAlias = Mapping[Any, Codec[Any]]
Makers: TypeAlias = Mapping[Any, Callable[..., Any]]
DEFAULTS: Types = {
    str: TEXT,
    bool: FLAG,
    int: COUNT,
    float: NUMBER,
    Level: LEVEL,
    Fraction: FRACTION,
    Monomial: MONOMIAL,
}
NAME = re.compile(r"(~)?(\w+(?:/\w+)*)(/)?(\[([\w,*+=<]*)\](\?)?)?(?:=([\w.]+))?")
ALWAYS = object()
hints_of = cache(partial(get_type_hints, include_extras=True))  # they are evaluated from text


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Attributes
    ----------
    key : its name in the JSON, None where there are arrays only.
    part : argument of the record's class that it fills; "a.b" is argument b of argument a.
    get : takes it from a value that is written.
    codec : its codec, one by the fields before, or None for that of the type hint.
    axes : names of the axes of an array that has the type of the type hint, or the one of a list in the JSON.
    any_number : whether NaN and infinity may stand in the array, which `check` restricts then.
    optional : whether the key is left out where the argument has its default.
    prefix : what the names of its arrays begin with.
    """

    key: str | None
    part: str
    get: Callable[[Any], Any]
    codec: CodecBy[Any] | None = None
    axes: tuple[str, ...] = ()
    optional: bool = False
    any_number: bool = False
    prefix: str = ""


def at(names: str, codec: CodecBy[Any] | None = None, of: Callable[[Any], Any] | None = None) -> list[Field]:
    """Fields by their keys.

    names : "key"; "key=part" where the attribute is called otherwise; "key[axes]" for an array of these axes, which are
    names of lengths ("k+1" is one longer than "k"), lengths, or "*" for any, with "?" behind it if its numbers may be
    NaN or infinite, or for a list in the JSON whose length is that of the axis; "key[axis=names]" where it is the
    length of an attribute of the value, here `names`; "key[<]" for a list or an object that has no more items than the
    arrays have columns; "key[]" for a codec of arrays, which are not in the JSON; "key/"
    where the names of its arrays begin so; "~key" for one that is left out where it has the default of its class.
    of : takes a field from a value, if it is no attribute.
    """
    return [
        Field(
            None if brackets == "[]" else key,
            part or key,
            of or attrgetter(part or key),
            codec,
            tuple(axes.split(",")) if axes else (),
            bool(optional),
            bool(any_number),
            key + slash if slash else "",
        )
        for optional, key, slash, brackets, axes, any_number, part in NAME.findall(names)
    ]


def fixed(part: str, value: Any) -> list[Field]:
    """A field that is not written, for it has this value."""
    return [Field(None, part, lambda _: value, constant(value))]


def derived(part: str, of: Callable[[Any], Any]) -> list[Field]:
    """A field that is not written, for it follows from those before."""
    return [Field(None, part, attrgetter(part), lambda read: constant(of(read)))]


def cell_counts(i: int, factors: tuple[str, ...], levels: LevelsByFactor, names: str) -> list[Field]:
    """Fields for the cells of a table, sorted, and the numbers of their rows. names : of arrays, by i and part."""
    name = names.format(i, "cells")
    unique = cells(name, factors, levels, "cells").checked(
        lambda out: not len(out) or np.array_equal(np.unique(out, axis=0), out),
        f"cells in order, each once, in '{name}'",
    )
    return [*at("cells[]", unique), *at("rows[]", codes(names.format(i, "rows"), MAX_ROWS, "cells"))]


class Parts(SimpleNamespace):
    """Values of the fields so far, nested as their parts are."""

    def put(self, part: str, value: Any) -> None:
        """Set the value of a part."""
        head, _, rest = part.partition(".")
        if rest:
            vars(self).setdefault(head, Parts()).put(rest, value)
        else:
            setattr(self, head, value)

    def build(self, kind: Any, makers: Makers) -> Any:
        """The value of this class."""
        hints = hints_of(kind)
        arguments = {n: v.build(hints[n], makers) if isinstance(v, Parts) else v for n, v in vars(self).items()}
        return makers.get(kind, kind)(**arguments)


def record(
    kind: Callable[..., Any],
    *fields: str | list[Field] | Check,
    make: Callable[..., Any] | None = None,
    types: Sequence[Codec[Any]] = (),
    order: str = "",
    as_list: bool = False,
    makers: Makers | None = None,
) -> Codec[Any]:
    """An object with a key for each field, or a list of them.

    Parameters
    ----------
    kind : class of the values.
    fields : in the order in which they are read and arrays are written; a text has `names` as of `at`; without any, all
        arguments of the class. A function among them is a check of the value that was read.
    make : makes a value of the fields by their parts, if that is not `kind` itself; its type hints come first.
    types : codecs of types that the hints name, before those of `DEFAULTS`.
    order : of the keys in the JSON, if it is not that of the fields.
    as_list : whether it is a list; then keys that are left out are the last.
    makers : what makes the parts of these classes, if not the classes themselves.

    Raises
    ------
    TypeError
        Where an argument of the class has no field and no default, or a type hint no codec.
    """
    # everything that does not depend on a value is done here, once for each codec: files have thousands of records
    hints = hints_of(kind) | (hints_of(make) if isinstance(make, FunctionType) else {})
    checks = [some for some in fields if callable(some)]
    every = [some for some in fields if not callable(some)] or list(signature(kind).parameters)
    listed = [field for some in every for field in (at(some) if isinstance(some, str) else some)]
    steps = [_with_codec(field, hints, {**DEFAULTS, **{codec.kind: codec for codec in types}}) for field in listed]
    parts_of_fields = {field.part.partition(".")[0] for field in listed}
    if make is None and (missing := _required_arguments(kind) - parts_of_fields):
        raise TypeError(f"no field for {', '.join(sorted(missing))} of {kind}")
    defaults = {f.key: _default(kind, f.part) if f.optional else ALWAYS for f, _ in steps if f.key is not None}
    keys = order.split() or list(defaults)
    all_makers = {**(makers or {}), **({kind: make} if make else {})}

    def write(value: Any, members: Members) -> Any:
        # the parts are gathered as in `read`, since the codec of a field may follow from those before it
        parts, out = Parts(), {}
        for field, codec in steps:
            part = field.get(value)
            parts.put(field.part, part)
            if not field.optional or not _is(part, defaults[str(field.key)]):
                out[field.key] = select(codec, parts).write(part, members)
        return [out[key] for key in keys if key in out] if as_list else {key: out[key] for key in keys if key in out}

    def read(obj: Any, members: Members) -> Any:
        items = dict(zip(keys, items_of(obj), strict=False)) if as_list else obj if keys else {}
        # a field that a later version adds has a default, so files of before may lack it; an unknown one is refused
        complete = isinstance(items, dict) and all(k in items or value is not ALWAYS for k, value in defaults.items())
        if not complete or not defaults.keys() >= items.keys() or (keys and len(items) < len(obj)):
            wrong(f"{'a list' if as_list else 'an object'} of {', '.join(keys)}", obj)
        # lengths of axes hold inside this record, and are those around it where they are known there
        parts, inner = Parts(), members.inside()
        for field, codec in steps:
            here = not field.key or field.key in items
            part: Any = select(codec, parts).read(items.get(field.key), inner) if here else defaults[str(field.key)]
            parts.put(field.part, part)
            for axis in field.axes:
                name, _, attribute = axis.partition("=")
                inner.check_size(name, len(getattr(part, attribute) if attribute else part))
        # checks see the whole value: most of them compare two of its fields
        out = parts.build(kind, all_makers)
        for check in checks:
            check(out)
        return out

    return Codec(write, read, kind)


row = partial(record, as_list=True)


@cache
def _required_arguments(kind: Callable[..., Any]) -> frozenset[str]:
    """Arguments without a default."""
    return frozenset(name for name, one in signature(kind).parameters.items() if one.default is one.empty)


def _default(kind: Any, part: str) -> Any:
    """The default of an argument of a dataclass, or of the one in it that a part names."""
    # a field of the dataclass, not an argument of its constructor: there, default factories are no values
    *path, name = part.split(".")
    owner = reduce(lambda inner, attribute: hints_of(inner)[attribute], path, kind)
    (field,) = (field for field in dataclass_fields(owner) if field.name == name)
    return field.default if field.default_factory is MISSING else field.default_factory()


def _is(part: Any, default: Any) -> bool:
    """Whether a part is the default, for which its key is left out; arrays are compared with None only."""
    return part is default or (default is not None and bool(part == default))


def codec_of(hint: Any, types: Types) -> Codec[Any]:
    """The codec of a type hint."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _allowed(arguments[1], arguments[0], types)
    if hint in types:
        return types[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return TEXT.convert(attrgetter("value"), hint)
    if (required := _without_none(hint)) is not hint:
        return codec_of(required, types).optional()
    if origin is tuple and ... not in arguments:
        return tuple_of(*(codec_of(argument, types) for argument in arguments))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return mapping(codec_of(arguments[1], types))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return sequence(codec_of(arguments[0], types))
    raise TypeError(f"no codec for {hint}")


def _allowed(values: Any, hint: Any, types: Types) -> Codec[Any]:
    """The codec of a type hint, for no more than the values that it is annotated with."""
    if isinstance(values, range):
        return integer(values.start, values.stop)
    expected = f"one of {', '.join(values)}" if isinstance(values, tuple) else str(values)
    return codec_of(hint, types).checked(values.__contains__, expected)


def _with_codec(field: Field, hints: Mapping[str, Any], types: Types) -> tuple[Field, CodecBy[Any]]:
    """A field and its codec: its own, or that of the type hint, with its prefix."""
    field, codec = (field, field.codec) if field.codec is not None else _derived(field, hints, types)
    if field.axes == ("<",) and isinstance(codec, Codec):
        return replace(field, axes=()), of_columns(codec)
    if not field.prefix:
        return field, codec
    return field, lambda read: select(codec, read).under(field.prefix)


def _derived(field: Field, hints: Mapping[str, Any], types: Types) -> tuple[Field, CodecBy[Any]]:
    """A field and the codec of its type hint. An array is not in the JSON, which says whether an optional one is."""
    for name in field.part.split("."):
        hint = hints[name]
        hints = hints_of(hint) if isinstance(hint, type) else {}
    required, (plain, *allowed) = _without_none(hint), _annotation(hint)
    if get_origin(plain) not in (np.ndarray, NDArray):
        return field, codec_of(hint, types)
    name, dtype = str(field.key), np.dtype(_scalar_type(plain)).name
    axes = [None if axis == "*" else int(axis) if axis.isdigit() else axis for axis in field.axes]
    codec = finite(name, *axes) if dtype == "float64" and not field.any_number else array(name, dtype, *axes)
    for values in allowed:
        codec = codec.checked(values.__contains__, f"{values} in '{name}'")
    if required is not hint:
        return replace(field, axes=()), codec.present()
    return replace(field, key=None, axes=()), codec


def _without_none(hint: Any) -> Any:
    """The hint of an optional value where there is one; others stay."""
    if get_origin(hint) not in (UnionType, Union) or NoneType not in get_args(hint):
        return hint
    return reduce(or_, [one for one in get_args(hint) if one is not NoneType])


def _annotation(hint: Any) -> tuple[Any, ...]:
    """The hint of a value that is there, and what it is annotated with."""
    required = _without_none(hint)
    return get_args(required) if get_origin(required) is Annotated else (required,)


def _scalar_type(hint: Any) -> Any:
    """The type of an array's items. `NDArray[T]` is an alias of its own from NumPy 2.5 on."""
    last = get_args(hint)[-1]
    return get_args(last)[0] if get_args(last) else last
