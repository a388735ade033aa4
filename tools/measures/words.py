"""Private words of the project in identifiers and in the names of files."""

from __future__ import annotations

import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from measures.layout import FILE_METHOD, OTHER_FRAMES, chosen, files

PRIVATE = {
    "told": "told",
    "tell": "tell tells telling teller tellers",
    "lift": "lift lifts lifted lifting lifter",
    "pose": "pose poses posed posing",
    "apart": "apart",
    "held": "held",
    "pilot": "pilot pilots piloted",
    "ladder": "ladder ladders",
    "rung": "rung rungs",
    "climb": "climb climbs climbed climbing",
    "swept": "swept",
    "ledger": "ledger ledgers",
    "lasting": "lasting",
    "frame": "frame frames framed",
}
WORD_OF = {form: word for word, forms in PRIVATE.items() for form in forms.split()}
FRAME_NAMES = {"DataFrame", "LazyFrame"}  # in any file
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(identifier: str) -> list[str]:
    """Words of an identifier, in small letters: at underscores, digits and capitals."""
    return [part.lower() for part in PARTS.findall(identifier)]


def private_words() -> Counter[str]:
    """Occurrences of every private word in name tokens, file names and folder names of the package."""
    counts: Counter[str] = Counter()
    for file in files():
        allowed = {"frame"} if file in chosen(*OTHER_FRAMES) else set()
        allowed |= {FILE_METHOD[0]} if file in chosen(*FILE_METHOD[1]) else set()
        named = file.parent.name if file.name == "__init__.py" else file.stem
        for identifier in [named, *identifiers(file)]:
            counts.update(private_words_in(identifier, allowed))
    return counts


def private_words_in(identifier: str, allowed: set[str] | frozenset[str] = frozenset()) -> list[str]:
    """Private words of one identifier, by their base form."""
    if identifier in FRAME_NAMES:
        return []
    return [WORD_OF[word] for word in words(identifier) if word in WORD_OF and WORD_OF[word] not in allowed]


def identifiers(file: Path) -> Iterator[str]:
    """Every name token of a file; strings and comments are no names."""
    with tokenize.open(file) as lines:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type == tokenize.NAME:
                yield token.string
