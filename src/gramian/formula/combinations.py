"""Combinations of the levels of several factors that occur, as the levels of one: `firm^year` has "7^2021"."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.column import ArrowLevels, Coded
from gramian.linalg.factors.unique_codes import unique_codes
from gramian.typing import Codes, Level

JOINT = "^"
ESCAPE = "\\"


def combinations(factors: Sequence[Coded]) -> Any:
    """The combinations in the rows of a batch, as an Arrow dictionary array of texts; null where a factor is.

    factors : of each, the codes (n,) and the levels.
    """
    missing = np.logical_or.reduce([codes < 0 for codes, _ in factors])
    keys, parts = reduce(_paired, [(codes[~missing], [_texts(levels)]) for codes, levels in factors])
    places, codes = unique_codes(keys)
    indices = np.zeros(len(missing), np.int64)
    indices[~missing] = codes
    dictionary = pc.binary_join_element_wise(*_texts_at(places, parts), pa.scalar(JOINT, pa.large_string()))
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=missing), dictionary)


def _paired(first: tuple[Codes, list[Any]], second: tuple[Codes, list[Any]]) -> tuple[Codes, list[Any]]:
    """Keys of the rows in which both factors are combined, and the texts of the levels of each."""
    (left, texts), (right, more) = first, second
    return left * len(more[0]) + right, texts + more


def _texts_at(keys: Codes, parts: list[Any]) -> list[Any]:
    """The text of each factor for keys (c,)."""
    out = []
    for texts in reversed(parts):
        keys, place = np.divmod(keys, max(len(texts), 1))
        out.append(texts.take(pa.array(place)))
    return out[::-1]


def _texts(levels: Sequence[Level]) -> Any:
    """Levels as an Arrow array of texts, in which no text has the sign between two of them."""
    if isinstance(levels, range):
        return pa.array(np.arange(levels.start, levels.stop)).cast(pa.large_string())
    array = levels.array if isinstance(levels, ArrowLevels) else pa.array(list(levels))
    texts = array.cast(pa.large_string())
    for sign in (ESCAPE, JOINT):
        texts = pc.replace_substring(texts, sign, ESCAPE + sign)
    return texts
