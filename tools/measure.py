"""Measures of how the source reads, each beside its bar.

    python tools/measure.py [--json] [--check] [--against EARLIER.json] [--no-journeys]

--json : print JSON, which a later run takes with --against. --check : exit 1 if a bar is missed. --against : show an
earlier run beside this one. --no-journeys : leave out what runs gramian, the rest needs the standard library alone.

Codecs have two rows. Hand-written ones say how a type of the package is saved (`serialize/` but for the container and
the mechanism, and `fit/*/save.py`); the mechanism derives fields, types and shapes from any dataclass. Before there was
a mechanism (da54194), all 17 files `results/plain*.py` were hand-written: the 1,886 lines beside which the bar was set.
Of these, 135 (`plain.py`) were for texts, numbers and lists, as `serialize/values.py` is now; 1,751 were for types. The
codec of expressions stood elsewhere then (`formula/saved.py`, 84 lines) and was not counted; today it is.

Functions with more than eight parameters are counted without the constructors in `sklearn/`: scikit-learn demands that
an estimator's `__init__` lists every parameter by its name (`clone` and `get_params` read them there).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from measures.functions import Signature, quantile, signatures, text
from measures.imports import circles, import_graph
from measures.journeys import journeys
from measures.layout import (
    CODEC_MECHANISM,
    CODECS,
    ENGINE_METHOD,
    ESTIMATORS,
    NOT_CODECS,
    PACKAGE,
    PUBLIC_EDGE,
    SHIPPED_TESTS,
    SOURCE,
    chosen,
    files,
    largest_folder,
    short,
)
from measures.words import private_words

MOST_PARAMETERS = 8
JOURNEY_BARS = {
    "ols": (60, 800, 1),
    "ols_clusters": (70, 1100, 1),
    "glm": (66, 1100, 1),
    "gram_model": (62, 650, 2),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A value and what it may be at most, or must be at least. details : what was counted."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    details: Sequence[str] = ()

    def missed(self) -> bool:
        """Whether there is a bar, on the wrong side of the value."""
        low = self.at_least is not None and self.value < self.at_least
        return low or (self.at_most is not None and self.value > self.at_most)

    def bar(self) -> str:
        """The bar in words."""
        if self.at_most is not None:
            return f"<= {number(self.at_most)}"
        return "" if self.at_least is None else f">= {number(self.at_least)}"


def measures(with_journeys: bool = True) -> Iterator[Measure]:
    """All measures of the package, in the order of the table."""
    yield from layout_measures()
    yield from function_measures()
    yield from text_measures()
    if with_journeys:
        yield from journey_measures()


def layout_measures() -> Iterator[Measure]:
    """Folders, circles, words and codecs."""
    folder, count = largest_folder([file.relative_to(SOURCE) for file in files()])
    yield Measure("files in the largest folder", count, 25, details=[folder])
    largest = next(iter(circles(import_graph(files(), SOURCE))), [])
    yield Measure("files in the largest import circle", len(largest), 5, details=largest)
    counts = private_words()
    told = [f"{word} {count}" for word, count in counts.most_common()]
    yield Measure("private words in identifiers and file names", counts.total(), 0, details=told)
    mechanism = chosen(*CODEC_MECHANISM)
    yield lines_of("lines of hand-written codecs", chosen(*CODECS) - chosen(*NOT_CODECS) - mechanism, at_most=1000)
    yield lines_of("lines of the codec mechanism", mechanism)


def lines_of(name: str, chosen_files: Collection[Path], at_most: float | None = None) -> Measure:
    """The lines of some files. Raises LookupError where there are none."""
    if not chosen_files:
        raise LookupError(f"no file counts for '{name}': change measures/layout.py")
    ordered = sorted(chosen_files)
    return Measure(name, sum(text(file).lines for file in ordered), at_most, details=[short(file) for file in ordered])


def function_measures() -> Iterator[Measure]:
    """What signatures carry."""
    everything = [signature for file in files() for signature in signatures(file)]
    edge, tests = chosen(*PUBLIC_EDGE), chosen(*SHIPPED_TESTS)
    inner = [one for one in everything if one.file not in edge]
    three = [one for one in everything if one.travelling() == 3]
    two = [one for one in inner if one.travelling() >= 2 and one.file not in tests and one.name != ENGINE_METHOD]
    constructors = chosen(*ESTIMATORS)
    free = [one for one in inner if one.name != "__init__" or one.file not in constructors]
    wide = [one for one in free if len(one.parameters) > MOST_PARAMETERS]
    yield Measure("signatures with source, engine and progress", len(three), 2, details=where(three))
    yield Measure("inner signatures with two or three of them", len(two), 2, details=where(two))
    yield Measure(f"inner functions with more than {MOST_PARAMETERS} parameters", len(wide), 0, details=where(wide))
    bodies = [one.body for one in everything]
    yield Measure("body of a function, median lines", median(bodies))
    yield Measure("body of a function, 90 % of them at most", quantile(bodies, 0.9))
    yield Measure("body of a function, longest", max(bodies))


def text_measures() -> Iterator[Measure]:
    """Lengths of files, and how much of them explains."""
    texts = [text(file) for file in files()]
    lines = [one.lines for one in texts]
    yield Measure("files", len(texts))
    yield Measure("lines", sum(lines))
    yield Measure("length of a file, median lines", median(lines))
    yield Measure("length of a file, longest", max(lines))
    yield Measure("docstrings, % of lines", 100 * sum(one.docstrings for one in texts) / sum(lines), at_least=18)
    yield Measure("comments, % of lines", 100 * sum(one.comments for one in texts) / sum(lines), at_least=2)


def journey_measures() -> Iterator[Measure]:
    """Files, moves and parses of some calls."""
    for name, journey in journeys().items():
        entered, moves, parses = JOURNEY_BARS[name]
        paths = sorted(short(Path(file)) for file in journey.files)
        yield Measure(f"{name}: files entered", len(paths), entered, details=paths)
        yield Measure(f"{name}: moves from file to file", journey.moves, moves)
        yield Measure(f"{name}: parses of a formula", journey.parses, parses)


def where(found: Sequence[Signature]) -> list[str]:
    """File and name of functions."""
    return [f"{short(one.file, PACKAGE)}: {one.name}" for one in found]


def number(value: float) -> str:
    """With separated thousands; one decimal where there is any."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def table(rows: Sequence[Measure], earlier: Mapping[str, float] | None) -> str:
    """The measures as aligned text."""
    head = ["measure", "now", "bar", *([] if earlier is None else ["earlier"]), ""]
    cells = [head, *(row(one, earlier) for one in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(aligned(line, widths) for line in cells)


def row(one: Measure, earlier: Mapping[str, float] | None) -> list[str]:
    """One line of the table."""
    before = [] if earlier is None else [number(earlier[one.name]) if one.name in earlier else ""]
    return [one.name, number(one.value), one.bar(), *before, "missed" if one.missed() else ""]


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell to the left, numbers to the right."""
    first, *rest = (
        cell.ljust(width) if at == 0 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON, with what was counted")
    parser.add_argument("--check", action="store_true", help="exit 1 if a bar is missed")
    parser.add_argument("--against", type=Path, help="JSON of an earlier run, shown beside")
    parser.add_argument("--no-journeys", action="store_true", help="do not run gramian")
    given = parser.parse_args(arguments)
    rows = list(measures(not given.no_journeys))
    if given.json:
        print(json.dumps([asdict(one) for one in rows], indent=1))
    else:
        earlier = given.against and {one["name"]: one["value"] for one in json.loads(given.against.read_text())}
        print(table(rows, earlier))
        for one in rows:
            if one.details and one.missed() and len(one.details) <= 60:
                print(f"\n{one.name}: {', '.join(one.details)}")
    return int(given.check and any(one.missed() for one in rows))


if __name__ == "__main__":
    sys.exit(main())
