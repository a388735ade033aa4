"""A digest of what a pass will compute: equal for equal tasks, in every process."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np

SCALARS = (bool, int, str, bytes, type(None), Fraction)


def fingerprint(value: object) -> str:
    """SHA-256 of a value's parts: fields of dataclasses, items, floats and arrays bit by bit, functions by name."""
    digest = hashlib.sha256()
    for part in _encoded(value):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _encoded(value: Any) -> Iterator[bytes]:
    yield f"{type(value).__module__}.{type(value).__qualname__}".encode()
    yield from next(encode(value) for matches, encode in ENCODERS if matches(value))


def _parts(values: Any) -> Iterator[bytes]:
    for value in values:
        yield from _encoded(value)


def _array(value: Any) -> Iterator[bytes]:
    yield f"{value.dtype.str} {value.shape}".encode()
    yield value.tobytes()


def _mapping(value: Mapping[Any, Any]) -> Iterator[bytes]:
    for key in sorted(value, key=repr):
        yield from _parts((key, value[key]))


def _fields(value: Any) -> Iterator[bytes]:
    return _parts(getattr(value, field.name) for field in fields(value))


def _reduces(value: Any) -> bool:
    """Whether a class says itself how it is made, such as a family of which only the name matters."""
    return "__reduce__" in type(value).__dict__ and not isinstance(value, np.ndarray | np.generic)


def _reduced(value: Any) -> Iterator[bytes]:
    return _parts(value.__reduce__()[1:])


def _function(value: Any) -> Iterator[bytes]:
    yield f"{value.__module__}.{value.__qualname__}".encode()


ENCODERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Iterator[bytes]]], ...] = (
    (lambda v: isinstance(v, Enum), lambda v: iter([repr(v.value).encode()])),
    (lambda v: isinstance(v, float), lambda v: iter([float(v).hex().encode()])),
    (lambda v: isinstance(v, SCALARS), lambda v: iter([repr(v).encode()])),
    (lambda v: isinstance(v, np.ndarray), _array),
    (lambda v: isinstance(v, Mapping), _mapping),
    (lambda v: isinstance(v, list | tuple), _parts),
    (lambda v: isinstance(v, set | frozenset), lambda v: _parts(sorted(v, key=repr))),
    (_reduces, _reduced),
    (is_dataclass, _fields),
    (lambda v: hasattr(v, "__qualname__"), _function),
    (lambda v: True, lambda v: iter([pickle.dumps(v)])),
)
